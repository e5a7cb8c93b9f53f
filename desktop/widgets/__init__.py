"""Passive widgets: setters in, signals out; no thread, no store, no engine.

Every class takes a `theme.Look` as its first argument and again through ``set_look(look)``.
Values are in `desktop.widgets.values`; records come from `engine.records`.

rail_bar.RailBar(look, pages=PAGES)
    set_pages(pages) set_current(id) set_badge(id, count); page_requested(str)
status_bar.StatusBar(look)
    set_engine(phase, step="", reason="", model="") set_offload(Offload, reason="")
    set_knowledge(version) set_rules(version) set_accepted(share | None, count=0)
queue_panel.QueuePanel(look)
    set_model(model) set_counts({filter: n}) set_summary(waiting, today)
    set_start_offered(bool) select(id) select_next() select_previous() focus_search()
    current_id() current_filter()
    opened(str) search_changed(str) filter_changed(str) start_requested()
search_field.SearchField(look, key, action)
conversation_view.ConversationView(look, clock=time.time)
    set_head(ConversationHead | None) set_bubbles(bubbles) append_bubble(bubble)
    update_bubble(bubble) set_waiting(seconds | None) scroll_to_end() message_list()
    undo_requested(str)
composer.Composer(look)
    set_text(text) text() insert_script(text, first=False) set_enter_sends(bool)
    set_hits(hits) set_scripts(tuple[str]) set_blocked(why, details="")
    set_enabled(bool, why="") focus_end() is_composing() editor()
    text_changed(str) send_requested(str) script_requested(); gate: its GatePanel
gate_panel.GatePanel(look)
    begin(key) set_view(GateView) view() act() reason() field() button() is_open()
    set_problem(words); reasoned(str) restore send left
draft_card.DraftCard(look)
    show_none() show_queued(position=0) show_drafting(evidence=()) set_evidence(evidence)
    append_text(text) withdraw(reason="") show_draft(draft, style="", seconds=None)
    show_failed(message) set_stale(bool) draft() shown_text()
    state(); citation_clicked(int) number_clicked(object: NumberSource) retry_requested()
    write_requested() hand_over_requested() hit_clicked(object: Hit)
evidence_list.EvidenceList(look)
    set_evidence(evidence) set_cited(set[int]) open_at(n, start=0, end=0)
    open_number(NumberSource) close_all() is_open(n); opened(int)
    room_needed(object: the item that opened, for a scroll area's ensureWidgetVisible)
grounding_line.GroundingLine(look)
    set_draft(Draft | None)
decision_bar.DecisionBar(look)
    set_availability(Availability) set_verdict(thumbs_down: bool) open_reasons() reasons()
    button(action_id)
    accept_requested edit_requested reject_requested(str) redraft_requested
    thumbs_down_requested hand_over_requested
case_card.CaseCard(look, clock=time.time)
    set_case(CaseView) case()
    script_requested take_requested note_changed(str) close_requested(str)
undo_toast.UndoToast(look)
    show_for(decision_id, seconds) dismiss() undo() decision_id(); undo_requested(str) expired(str)
toast.Toast(look, parent)
    say(key, undoable=False, values) words(); undo_requested
banner.Banner(look)
    show_message(kind, text, details="", action="") dismiss() message(); action_requested dismissed
keys_dialog.KeysDialog(look, parent=None)
empty_state.EmptyState(look)
    set_content(icon, title, body="", action="") set_body(text); action_requested
settings_form.SettingsForm(look)
    set_settings(Settings) settings() set_styles([(id, name)]) set_data_folder(path, size_bytes)
    set_problem(field, message) problem(field) field(name)
    changed(object: Settings) open_folder_requested
wordings_panel.WordingsPanel(look)
    show_loading() show_failed(message) set_proposals(wordings, empty) set_own(wordings, unread=())
    say(key, values={}) told() proposal(said) proposals() own(said, policy) focus_next(said)
    accepted(str, str, str) dismissed(str) added(str, str) changed(object, str, str)
    removed(object) undo_requested open_table_requested retry_requested
wording_rows: PairFields, ProposalRow, OwnRow, NewPair
blocks: Card, Chip, KeyHint, Elided, Rule, IconLabel, PushButton and the plain-text Label;
boxes: row() and column(); flow.FlowBox; notice.Notice and Skeleton; text_panel.TextPanel.
sifted_list.SiftedList(look, prefix, sieve, delegate, describe, key, clock=time.time): build() first
    set_listing(Listing) shown() chip(only) clear() focus_list(); chosen(object: a row or None)
    table: its SiftedTable (a row_table.RowTable over rows.Rows); opened delete_requested moved(int)
document_card.DocumentCard(look, clock=time.time)
    show_document(DocumentView | None) show_passages(passages) show_trouble(message) shown()
    block(why); retire_requested(object); text: its passages_text.PassagesText
gap_card.GapCard(look, clock=time.time)
    show_gap(GapView | None) begin_search() show_found(found) show_trouble(message) shown()
    block_search(why); conversation_requested search_requested settle_requested (object: the gap)
import_card.ImportCard(look)
    begin(words, can_cancel) step(words, share) note(key) calling_off() end(outcome, told)
    told() noted(); cancel_requested
retire_dialog.RetireDialog(look, document, parent): confirmed(object)
drop_veil.DropVeil(look, parent): set_busy(bool); dropped(object: paths)
review_filters.ReviewFilters(look)
    set_choices(Choices, names) set_filter(HitFilter) filter() clear() combo(name) days()
    changed(object: HitFilter)
review_list.ReviewList(look, role, clock=time.time)
    setModel(model) go(row) ranges() count(); moved(int) chosen(int)
review_card.ReviewCard(look, clock)
    show_row(HitRow | RequestRow | None) show_many(hits, requests=0) set_who(name) button(name)
    text() state(); judged(str) decided(bool) left()
review_side.AppealCard(look), EvidenceCard(look), AccuracyCard(look)
    set_appeal(Appeal | None) answered(bool, str); set_evidence(evidence);
    set_accuracy(figures, names) rows() chosen(str)
review_messages.ReviewMessages(look, clock=time.time)
    a BubbleList with go_to(message) picked()
review_missed.MissedDialog(look, message, text, categories, span, note, category, parent)
    text() category() span(); marked(object: MissedSpan)
workshop_steps.StepBar(look, clock), StepDialog(look, step, parent, **values)
    set_standing(Standing) set_busy(key) button(step) main_step()
    step_requested(str) history_requested; confirmed(str: the comment)
workshop_list.WorkshopList(look): build() first
    set_rows(rows) set_current(key) shown() filter() combo(name) chip(state) clear()
    chosen(object: RuleRow) add_requested
workshop_rule.WorkshopRule(look): build() first; form: its WorkshopForm, text: its MarkedEditor
    show_rule(Opened | None) refresh_rule(Opened) show_checked(Checked, by_form) set_view(name)
    text_edited(str) form_edited(object: RuleForm) examples_edited(str, object)
    switch_requested restore_requested add_requested
workshop_editor.MarkedEditor(look, code, numbers, gutter), EditorFrame(look, editor)
    load(text) set_text(text) set_marks({line: LineMark}) lines() go_to(line); edited left
workshop_examples.ExampleList(look, kind); workshop_problems.ProblemList(look)
workshop_fields: LinesField, BothField, Tick, TickBoxes, Section
workshop_try.TryCard(look)
    put(text, side) again() show_tried(Tried); tried(str, str)
workshop_replay.ReplayCard(look)
    begin() add(rows) show_view(ReplayView) block(why)
    start_requested cancel_requested opened(object: ReplayRow)
workshop_history.HistoryDialog(look, clock, parent)
    show_versions(versions, in_force, who) show_diffs(diffs) go_to(number)
    compared(int, int) back_requested(int)
"""
