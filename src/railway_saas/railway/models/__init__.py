"""What Railway sends, as frozen pydantic models."""
