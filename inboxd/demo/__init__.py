"""`inboxd demo`: the real daemon against embedded mail servers, with scripted people."""
