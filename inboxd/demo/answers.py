"""What agents answer to the mail that is brought to them, and what customers answer to us."""

from __future__ import annotations

from inboxd.demo import cast
from inboxd.demo.story import AgentReaction, CustomerReaction, How, When, hours, minutes, prose

AGENT_REACTIONS = (
    AgentReaction(
        customer=cast.NORA,
        sees="supposed to be here on Saturday",
        after=minutes(50),
        text=prose("""
            Hello Nora,

            I have looked: the seat was packed on Friday, but the carrier never
            collected it. It goes out today, and you will have it by Thursday.
            The nursery run on the 9th is safe.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.BEN,
        sees="lives on the frame",
        after=minutes(35),
        text=prose("""
            resolve

            Hello Ben,

            They are Presta. Unscrew the little tip first, then the pump grips.
            The one that fits the bottle bosses of the Drover is the Topo Mini,
            18 euros; any shop has it, it need not be ours.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.JUERGEN,
        sees="DE811999123",
        after=minutes(70),
        text=prose("""
            resolve

            Guten Tag Herr Kessler,

            die neue Rechnung 2026-3391-K mit Ihrer USt-IdNr. ist eben als
            eigene Mail an Sie gegangen. Die alte können Sie wegwerfen, sie ist
            bei uns storniert.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.MARTA,
        sees="lost one of the two keys",
        after=minutes(45),
        text=prose("""
            Hello Marta,

            Yes, we can cut one. There is a four-digit number on the key that
            you still have. Could you send it to me?

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.MARTA,
        sees="it says 7 3 0 9",
        after=minutes(60),
        text=prose("""
            Resolve.

            Hello Marta,

            Key 7309 is cut and in an envelope to you, no charge. It takes two
            days with the post. If the first one turns up in a box, you have a
            spare.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.AOIFE,
        sees="down since 7",
        after=minutes(4),
        text=prose("""
            note
            Network team says the gateway at Quay Street missed last night's
            certificate update. They push it by hand now. Number of the duty
            engineer is on the board.
        """),
    ),
    AgentReaction(
        customer=cast.AOIFE,
        sees="down since 7",
        after=minutes(28),
        text=prose("""
            resolve

            Hello Aoife,

            Your box missed an update during the night. We have pushed it from
            here just now, and all eleven locks show green on our side. Please
            open one with the staff card. Should a single one stay orange, ring
            me: 030 5550 140, I stay beside the phone until your group is off.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.DANIEL,
        sees="like a walnut",
        after=minutes(55),
        text=prose("""
            resolve

            Hi Dan,

            You need nothing more, the photo says it all. A new pair of pedals
            goes out to you this afternoon, and please do not ride on the old
            one. Keep it or bin it, we do not need it back.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.CLAIRE,
        sees="70588",
        after=minutes(80),
        text=prose("""
            Hello Claire,

            It had not left yet. Your order now goes to 14 rue des Tanneurs in
            Strasbourg, and I have put the door code on the label.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.HEIKE,
        sees="Das ist eine Frechheit",
        after=minutes(40),
        text=prose("""
            resolv

            Guten Tag Frau Brandt,

            dreimal Werkstatt und dann im Regen, das war unser Fehler: der
            Kabelbaum wurde nie getauscht, nur geflickt. Das Abo ist zum 30.
            November beendet, und der Oktober ist schon auf Ihr Konto
            zurückgebucht, 79 Euro.

            Das Rad holen wir ab, Sie müssen nichts bringen. Morgen zwischen 17
            und 19 Uhr, wenn Ihnen das passt.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.HEIKE,
        sees="resolv",
        after=minutes(6),
        returned=True,
        text=prose("""
            resolve

            Guten Tag Frau Brandt,

            dreimal Werkstatt und dann im Regen, das war unser Fehler: der
            Kabelbaum wurde nie getauscht, nur geflickt. Das Abo ist zum 30.
            November beendet, und der Oktober ist schon auf Ihr Konto
            zurückgebucht, 79 Euro.

            Das Rad holen wir ab, Sie müssen nichts bringen. Morgen zwischen 17
            und 19 Uhr, wenn Ihnen das passt.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.LUC,
        sees="Marais pannier bag",
        after=minutes(95),
        text=prose("""
            resolve

            Hello Luc,

            The bag was booked in on the 14th, but the refund was never
            released. I have released it now: 89 euros to the card you paid
            with.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.LUC,
        sees="that card no longer exists",
        after=minutes(30),
        text=prose("""
            resolve

            Hello Luc,

            I have stopped the payment to the old card. The 89 euros went by
            instant transfer to the account that pays for your workshop order,
            the one ending in 2207. Your bank has just confirmed it to us.

            I should like to make the three weeks good: the next bag is on us,
            just tell me which.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.INGRID,
        sees="twelve helmets in the same blue",
        after=minutes(120),
        text=prose("""
            resolve

            Hello Ingrid,

            Clubs get 20 percent: twelve Pilot helmets in fjord blue, seven M and
            five L, 47.20 euros each, 566.40 in all with delivery. They are set
            aside for you and leave here on the 12th, so they are with you well
            before the 28th. The invoice goes to Bjørn.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.INGRID,
        sees="five of them are M",
        after=minutes(45),
        text=prose("""
            Hello Ingrid,

            The packing list is wrong, the boxes are right: seven M, five L. I
            have counted them again on the shelf. If Liv finds it otherwise on
            the day, we swap them by courier.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.GARETH,
        sees="my rent bounced",
        after=minutes(25),
        text=prose("""
            resolve

            Dear Mr Pugh,

            You are right. Our payment page sent your order twice, at 18:02 and
            at 18:03, and it took 1,149 pounds both times. The second one went
            back a few minutes ago by instant transfer. Your bank shows it within
            the hour.

            The fee for the rent that bounced is ours as well: send me one line
            with the amount and it is paid today. Nobody should be on hold for
            forty minutes. My own number is 030 5550 117, and I do pick it up.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.SOFIA,
        sees="do you deliver the Heron also to Italy",
        after=minutes(65),
        text=prose("""
            Hello Sofia,

            Yes, we do, the page is behind. To Forlì it costs 65 euros and takes
            six working days. Your cousin is right: it comes built, you only turn
            the handlebar straight. Order with an Austrian address in the form
            and write "Italy" in the remarks, then I change it here.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.RUTH,
        sees="passed away",
        after=minutes(50),
        text=prose("""
            Dear Mrs Hellmann,

            I am very sorry about your husband.

            You need not do anything. His subscription ended today, nothing more
            will be taken from the account, and what was paid since 19 October
            goes back to it this week.

            There is no hurry about the bicycle. If you would like to keep it,
            it is yours. If you would like it gone, write me a day that suits
            you, and somebody comes to your door for it. No telephone needed.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.YUSUF,
        sees="back to the sign-in page",
        after=minutes(30),
        text=prose("""
            Hi Yusuf,

            The update left an old token behind on Android 15. Hold the app's
            icon, App info, Storage, Clear cache (not "Clear data"), then sign in
            once. That brings the bike back, without reinstalling.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.PRIYA,
        sees="all forty of our cargo bikes",
        after=hours(15.25),  # it is Sunday
        text=prose("""
            resolve

            Hello Priya,

            Confirmed: Monday 23 to Thursday 26 November, ten bikes a day on your
            yard from 7:00, the same two mechanics as last year. 58 euros a bike,
            parts extra and only after your yes. The order is FS-1180, so you can
            book the yard.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.NORA,
        sees="screaming two year old",
        after=minutes(20),
        text=prose("""
            resolve

            Hello Nora,

            What is really going on: we promised you Thursday without having
            asked the carrier, and your mail on Friday lay here unread. Both are
            our fault, and I am sorry about this morning.

            I have taken a seat off our own shop bike, and a courier left with
            it ten minutes ago. It is at your door by 14:00 today, so tomorrow
            you ride. The 12 euros for delivery and the price of the seat are on
            their way back to you.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.NORA,
        sees="bracket does not fit",
        after=minutes(35),
        text=prose("""
            resolve

            Hello Nora,

            The seat we sent was off the old model, and its bracket is 6 mm too
            narrow for your rack. I should have been told to check that. I am
            driving to you myself this afternoon with the right bracket and will
            fit it, about 16:30, ten minutes. If you are out, I put it beside
            the bike and come back when you say.

            The first year of service is on us.

            {me}
        """),
    ),
    AgentReaction(
        customer=cast.OSKAR,
        sees="student discount on the app lock",
        after=minutes(40),
        text=prose("""
            resolve

            Hey Oskar,

            Your friend is right, it is 15 percent. The code is CAMPUS15, and it
            works until the end of the year.

            {me}
        """),
    ),
    AgentReaction(  # the answer above came back from a mailbox that is no more: somebody rings, and it is done
        customer=cast.OSKAR,
        sees="did not arrive",
        after=hours(3),
        returned=True,
        text="resolve",
    ),
)

CUSTOMER_REACTIONS = (
    CustomerReaction(
        customer=cast.MARTA,
        when=When.REPLY,
        after=hours(2),
        text="ah clever! it says 7 3 0 9 on it, very small.\n\nmarta",
    ),
    CustomerReaction(
        customer=cast.YUSUF,
        when=When.REPLY,
        after=hours(1.5),
        text="It works! Thank you so much, took ten seconds. Have a great weekend.\n\nYusuf",
    ),
    CustomerReaction(
        customer=cast.OSKAR,
        when=When.REPLY,
        after=minutes(1),
        how=How.BOUNCE,
        text="",
    ),
    CustomerReaction(
        customer=cast.OSKAR,
        when=When.FOLLOW_UP,
        after=minutes(1),
        how=How.BOUNCE,
        text="",
    ),
    CustomerReaction(
        customer=cast.BEN,
        when=When.FOLLOW_UP,
        after=hours(3),
        text="Yes, it is. The tip was the secret. You saved me the price of a pump, thank you.\n\nBen",
    ),
    CustomerReaction(
        customer=cast.JUERGEN,
        when=When.FOLLOW_UP,
        after=hours(5),
        text="Ja, alles erledigt. Die neue Rechnung ist da und stimmt. Vielen Dank für die schnelle Hilfe!",
    ),
    CustomerReaction(
        customer=cast.MARTA,
        when=When.FOLLOW_UP,
        after=hours(7),
        text="yes all good, the key came and it turns. thank you!",
    ),
    CustomerReaction(
        customer=cast.AOIFE,
        when=When.FOLLOW_UP,
        after=hours(1),
        text="Yes, solved. Green within the minute, and the group left on time. Much appreciated.",
    ),
    CustomerReaction(
        customer=cast.DANIEL,
        when=When.FOLLOW_UP,
        after=minutes(1),
        how=How.AWAY,
        text=prose("""
            Hi! I'm off to the mountains without a laptop until 20 November and
            won't be reading mail. Back after that.

            Dan
        """),
    ),
    CustomerReaction(
        customer=cast.HEIKE,
        when=When.FOLLOW_UP,
        after=hours(9),
        text=prose("""
            Ja, das hat sich erledigt. Das Geld ist da und das Rad wurde
            abgeholt. Danke, dass sich am Ende doch jemand gekümmert hat.

            H. Brandt
        """),
    ),
    CustomerReaction(
        customer=cast.LUC,
        when=When.FOLLOW_UP,
        after=hours(4),
        text=prose("""
            No, it is not solved. You refunded a card that I told you in
            September was stolen, that card no longer exists. So the money is
            nowhere, again.

            Luc
        """),
    ),
    CustomerReaction(
        customer=cast.LUC,
        when=When.FOLLOW_UP,
        nth=2,
        after=hours(6),
        text="Yes. The money is here, and the offer of the bag was a kind surprise. Thank you.\n\nLuc",
    ),
    CustomerReaction(
        customer=cast.INGRID,
        when=When.FOLLOW_UP,
        after=hours(8),
        text=prose("""
            Hello, I am not sure yet. The packing list came by mail and on it
            five of them are M, not seven. Liv will count when the boxes arrive.

            Ingrid
        """),
    ),
    CustomerReaction(
        customer=cast.SOFIA,
        when=When.FOLLOW_UP,
        after=hours(5),
        text="Yes thank you, it is solved, I have ordered on Saturday with the trick of the remarks. Very kind.",
    ),
    CustomerReaction(
        customer=cast.PRIYA,
        when=When.FOLLOW_UP,
        after=hours(2),
        text="Yes, all confirmed on our side and the yard is booked. Thanks for turning it around so quickly.",
    ),
    CustomerReaction(
        customer=cast.NORA,
        when=When.FOLLOW_UP,
        after=hours(2),
        text=prose("""
            No. The courier did come on Monday, and thank you for that, but the
            bracket does not fit our rack, it is too narrow, so I still cannot
            use the seat. Third day on foot. I am running out of patience.

            Nora
        """),
    ),
    CustomerReaction(
        customer=cast.NORA,
        when=When.FOLLOW_UP,
        nth=2,
        after=hours(3),
        text=prose("""
            Yes, it is solved. She waves at every dog we pass. Somebody got into
            a car for a bracket, and I tell everyone about it. Thank you, really.

            Nora
        """),
    ),
)
