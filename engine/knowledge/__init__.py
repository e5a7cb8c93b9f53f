"""The company's knowledge: files in, passages found.

Values (all frozen msgspec structs) and calls, by module::

    documents   Document(doc, title, text, valid_from, valid_until, tags, internal, digest, parts,
                         partly)
                Skipped(path, reason, code, values)        .error() -> InputError for texts.explain
                read_document(path) -> Document            raises InputError
                collect(paths) -> (files, skipped)         folders are walked
    formats     the readers: kinds.KINDS by ending; confinement.Confinement,
                the process in which files of office formats are read
    passages    passages(document) -> tuple[Passage, ...]
    sentences   split_sentences(text) -> tuple[Span, ...]  exact slices, bullets left out
    grams       fold, grams, Weights: what words are compared by, how much each says
    embedding   Embedder (Protocol): name, digest, dimension, vector_weight,
                queries(texts), passages(texts) -> float32 array (n, dimension), unit length
                load_embedder(folder) -> Embedder          raises EmbedderError
                HashedEmbedder(dimension=256)              .save(folder) for load_embedder
    folder_embedders  a table of token vectors (no torch), or any sentence-transformers model
    catalogue   DocumentRow(doc, title, valid_from, valid_until, tags, internal, digest, passages,
                            characters, imported)
                Current(version, embedder, embedder_digest, dimension, documents, passages, created,
                        layout)
                current(folder) -> Current | None          None: nothing was ever imported
                list_documents(folder) -> list[DocumentRow]
    reports     ImportProgress(step, done, total, doc), step: reading|embedding|indexing
                ImportReport(documents, passages, skipped, version: str, total_documents,
                             total_passages, partly)
    table       the one place that talks to LanceDB
    seal        every file's size and SHA-256, checked whenever a version is opened
    version     finishes one version: weights, catalogue and seal beside its table
    copies      stores copies of documents
    reading     files to passages and grams; many in a process of its own
    ahead       embeds and writes the table while an import goes on reading
    index       import_documents(folder, paths, embedder, *, progress, cancelled) -> ImportReport
                remove_document(folder, doc, *, progress, cancelled) -> ImportReport
                rebuild(folder, embedder, *, progress, cancelled) -> ImportReport
                rebuild mends what `catalogue.MENDABLE` names, from the stored copies
    search      SearchResult(query, found, expired, relevance, answered, ms)
                Searcher.open(folder, embedder)            raises KnowledgeError, EmbedderMismatch
                .version: str  .passage_count: int  .current: Current | None  .close()
                .search(query, *, k=5, as_of=None, include_internal=False, turns=())
    questions   read_question(query, turns, …) -> Question, as it is searched and compared
    sentence_reader  passages taken apart into sentences, the newest ones kept (`recent`)
    weighing    Scale: .likeness, .coverage of texts by their grams
    answer_cues, answer_features  what is measured of each sentence for a question
    memory      questions of other trades: AnswerMemory.answers_like, .unanswered_like(question)
    wording     how questions sound that have an answer: Wording.rating(grams)
    reranking   judge(wish, passages, …) -> Judged(found, relevance, answered), as it was learnt
    synonyms    everyday wordings and the policies'; CurrentSynonyms(folder)() as they are now
    own_wordings  the operator's table: own_pairs, add_pair, change_pair, remove_pair
    vocabulary  read_vocabulary(folder) -> Vocabulary: .says(wording) .weight(wording) .terms
    embedder_folder  check_embedder_folder(folder)     raises EmbedderError, loads nothing
    queries     standalone_query(turns) -> str             what the newest customer turn asks for
    cues        the wordings by which a turn refers back
    job         ImportJob(folder, paths, embedder_folder) · RemoveJob(folder, doc)
                · RebuildJob(folder, embedder_folder), each in a process of its own:
                .start()  .poll(seconds=0) -> list[ImportProgress]  .events() -> Iterator
                .cancel()  .finished  .result() -> ImportReport     raises ZuoxiError

`documents`, `passages`, `catalogue`, `reading`, `queries` and `job` load neither lancedb nor torch.
A folder that holds no knowledge yet opens as an empty `Searcher` (`passage_count` 0), so that
callers show an empty state.
"""
