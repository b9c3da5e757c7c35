"""What people read: Parquet tables and HTML pages."""
