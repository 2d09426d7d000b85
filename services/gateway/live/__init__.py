"""Live updates: one WebSocket per browser, one bus subscription per topic, each frame encoded once."""
