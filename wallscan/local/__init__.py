"""The whole stack on one machine: real servers and services as supervised child processes."""
