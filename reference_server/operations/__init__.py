"""Running the platform: one machine's processes, its way onto Railway, a look from outside."""
