"""Ways in for customers' messages, one file each, without Qt, threads or sleeping.

A channel is asked what is due and told what was sent; the caller owns the clock. What it delivers
goes through `engine.reception.receive` with an `ExternalKey`, so that nothing arrives twice.
"""
