"""What a plugin says of itself, from its files or from its instance, made into validated models."""
