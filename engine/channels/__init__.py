"""Ways in for customers' messages, one file each, without Qt, threads or sleeping.

A channel is asked what is due and given what was sent; the caller owns the clock. What it delivers
goes through `engine.reception.receive` with an `ExternalKey`, so that nothing arrives twice. What
it is given bears the message's id as a key, and giving it the same key twice is giving it once:
whoever gives may do so again after a crash. Where the other side cannot know a key, the channel
keeps a `taken.TakenFile`.
"""
