"""One module per noun; importing a module signs its resolvers in (see `railway_saas.emulator.registry`)."""
