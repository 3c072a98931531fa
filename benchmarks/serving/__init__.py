"""The load test of the reference server: against the same work written bare, where its time goes, and ten steady minutes."""
