"""Storage: tables, the journal that owns all writes, readers, migrations. The only room that imports SQLAlchemy."""
