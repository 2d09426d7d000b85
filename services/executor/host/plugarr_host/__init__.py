"""What runs inside a plugin's processes: launcher, host, loader, and the way back to the executor.

Nothing here imports the platform's packages; they are not on the path.
"""
