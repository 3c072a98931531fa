"""Mails: written into the outbox with the change that they tell of, sent by a job."""
