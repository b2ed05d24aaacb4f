import sys; sys.path.insert(0,'.')
from tests.looks.mails import looks
for l in looks():
    print("="*20, l.name, '|', l.mail.subject, '| to', l.mail.message['To'], '| cc', l.mail.message['Cc'], '|', l.mail.outgoing.kind)
    print(l.mail.text)
