"""The commands of `wallscan`, one file each."""
