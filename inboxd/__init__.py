"""inboxd sits behind an ordinary support address: it reads each mail for topic and feeling, brings upset and repeat
customers to senior agents, carries the agents' answers back, and asks afterwards whether it really helped."""

__version__ = "0.1.0"
