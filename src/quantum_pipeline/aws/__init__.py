"""AWS as the deployed functions use it: storage, jobs, source, metrics, notifications."""
