#!/usr/bin/env python3
"""Verifica un fascicolo del registro di gara, con la sola libreria standard di Python 3.

    python3 verify.py FASCICOLO.zip 'nome+impronta+chiave'

Senza rete e senza programmi della piattaforma: tutto si ricalcola dai byte dell'archivio e dalla
chiave pubblica del registro. Esce con 0 se tutto torna, con 1 se qualcosa non torna, con 2 se e'
stato chiamato male. Regole: RFC 8493, 6962, 8785, 8032; C2SP signed-note, tlog-checkpoint, tlog-proof.
"""
import base64, hashlib, io, json, re, struct, sys, zipfile
problems = []
wrong = lambda where, text: problems.append("%s: %s" % (where, text))

# --- Ed25519, RFC 8032 sezione 5.1.7: solo verifica, non serve tempo costante ---
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def add(a, b):
    x = (a[1] - a[0]) * (b[1] - b[0]) % P
    y = (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, z - t, z + t, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q
def point(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P
BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
def ed25519(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    p, q = times(s, BASE), add(r, times(k, a))
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0

# --- forme ---
def canonical(v):
    """RFC 8785, per i valori che qui compaiono: testo, interi, liste, oggetti."""
    if isinstance(v, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(v[k]) for k in sorted(v, key=lambda k: k.encode("utf-16-be"))) + "}"
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    return json.dumps(v, ensure_ascii=False)

sha = lambda b: hashlib.sha256(b).digest()
def b64(text, size):
    b = base64.b64decode(text, validate=True)
    if len(b) == size and base64.b64encode(b).decode() == text:
        return b
    raise ValueError("base64")
def signed(text, key):
    """Dice se la nota (C2SP signed-note) e' firmata dalla chiave del registro."""
    body, _, lines = text.rpartition("\n\n")
    mine = [b64(line.split(" ")[2], 68) for line in lines.split("\n") if line.startswith("\u2014 %s " % key[0])]
    mine = [raw[4:] for raw in mine if raw[:4] == key[1]]
    return len(mine) == 1 and ed25519(key[2], (body + "\n").encode(), mine[0])
def verifier_key(text):
    name, number, key = text.strip().split("+", 2)
    raw = b64(key, 33)
    if raw[0] == 1 and sha(name.encode() + b"\n" + raw)[:4].hex() == number:
        return name, bytes.fromhex(number), raw[1:]
    raise ValueError("chiave")

# --- il contenitore: ogni byte dello zip segue dal contenuto ---
def container(f, z, size):
    extra, at, directory, infos = b"UT\5\0\1" + struct.pack("<I", 315532800), 0, [], z.infolist()
    if size >= 2**32 or len(infos) >= 2**16 - 1:
        return print("Nota: oltre i limiti dello zip semplice; del contenitore si controlla solo il contenuto.")
    for i in infos:  # che il contenuto abbia quel CRC lo guarda chi lo legge
        name, crc, length = i.filename.encode(), i.CRC, i.file_size
        head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 8, 0, 0, 33, 0, 0, 0, len(name), 9) + name + extra
        f.seek(at)
        same = f.read(len(head)) == head
        f.seek(at + len(head) + length)
        if not same or f.read(16) != struct.pack("<IIII", 0x08074B50, crc, length, length):
            wrong("zip", "intestazione di %s alterata" % i.filename)
        directory.append(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 8, 0, 0, 33, crc, length, length,
                                     len(name), 9, 0, 0, 0, 0, at) + name + extra)
        at += len(head) + length + 16
    end, n = b"".join(directory), len(directory)
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(end), at, 0)
    f.seek(at)
    if f.read() != end or [i.filename for i in infos] != sorted(i.filename for i in infos):
        wrong("zip", "indice dell'archivio alterato")

# --- il bag ---
def digest(z, name):
    h = hashlib.sha256()
    try:
        with z.open(name) as f:
            for part in iter(lambda: f.read(1 << 20), b""):
                h.update(part)
    except zipfile.BadZipFile:
        return "contenuto alterato"
    return h.hexdigest()

def manifest(z, name, belongs):
    listed, names = {}, set(z.namelist())
    for line in z.read(name).decode().splitlines():
        m = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not m or m[2] in listed:
            return wrong(name, "riga non valida") or listed
        listed[m[2]] = m[1]
    for n in sorted(names | set(listed)):
        if n not in names or n not in listed and belongs(n):
            wrong(n, "l'elenco %s dice altro di cio' che c'e'" % name)
        elif n in listed and (listed[n] != digest(z, n) or n.startswith("data/documents/") and n[15:] != listed[n]):
            wrong(n, "il contenuto e' cambiato: l'impronta non corrisponde")
    return listed

# --- le voci ---
def root_from(leaf, index, size, proof):
    """RFC 9162, 2.1.3.2: la radice a cui la prova porta, o None."""
    fn, sn, r = index, size - 1, leaf
    if index >= size:
        return None
    for p in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = sha(b"\1" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha(b"\1" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None
def pieces(f):
    piece = ""
    for line in f:
        if line == "c2sp.org/tlog-proof@v1\n" and piece:
            yield piece
            piece = ""
        piece += line
    yield piece

def entries(z, said, note, size, root):
    sealed, numbers, left, unseen, last, n, hidden = set(said.get("sealed", [])), {}, {}, "from" in said, -1, 0, 0
    proofs = pieces(io.TextIOWrapper(z.open("data/proofs.tlog-proofs"), encoding="utf-8", newline=""))
    for raw in z.open("data/entries.jsonl"):
        n += 1
        where = "entries.jsonl riga %d" % n
        proof = next(proofs, "")
        try:
            text = raw.decode()
            line = json.loads(text)
            if canonical(line) + "\n" != text:
                raise ValueError("forma")
            index, leaf, seq = line["index"], b64(line["leaf"], 32), line.get("tender_seq", 0)
            e = line.get("entry")
            tender, tenant = (line["tender"], said["authority"]) if e is None else (e.get("tender", ""), e.get("tenant"))
            if e is not None and sha(b"\0" + b64(line["salt"], 32) + canonical(e).encode()) != leaf:
                wrong(where, "la voce %d e' stata modificata: impronta, sale e contenuto non corrispondono" % index)
            rows = proof.partition("\n\n")[0].split("\n")
            if proof.partition("\n\n")[2] != note or rows[1] != "index %d" % index:
                wrong(where, "la prova della voce %d manca o e' di un'altra" % index)
            elif root_from(leaf, index, size, [b64(h, 32) for h in rows[2:]]) != root:
                wrong(where, "la prova della voce %d non porta alla radice firmata" % index)
            if index <= last:
                wrong(where, "la voce %d non e' al suo posto" % index)
            if tenant != said["authority"] or said.get("tender", tender) != tender:
                wrong(where, "la voce %d e' di un'altra stazione appaltante o gara" % index)
            if tender and tender not in sealed:
                if seq != numbers.get(tender, 0) + 1 and not (tender not in numbers and "from" in said and seq > 0):
                    wrong(where, "gara %s: dopo l'atto %d viene il %d, mancano voci" % (tender, numbers.get(tender, 0), seq))
                numbers[tender] = seq
            last, hidden, unseen = index, hidden + (e is None), unseen + (e is None)
            if e is None:
                continue
            changes = [e] + e.get("also", [])
            for s in line.get("states", []):
                change = [c for c in changes if c["object"] == s["object"]]
                if not change or "withheld" not in s and hashlib.sha256(
                        b64(s["salt"], 32) + canonical(s["snapshot"]).encode()).hexdigest() != change[0]["after"]["hash"]:
                    wrong(where, "l'oggetto %s %s non e' quello lasciato dalla voce %d" % (s["object"]["type"], s["object"]["id"], index))
            for c in changes:
                history(where, c, left, unseen, tender in sealed)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            unseen += 1
            wrong(where, "riga non valida (%s)" % error)
    if next(proofs, ""):
        wrong("proofs.tlog-proofs", "ci sono prove di troppo")
    if (n, hidden) != (said.get("entries"), said.get("withheld")):
        wrong("entries.jsonl", "la piattaforma ha firmato %s voci, qui sono %d" % (said.get("entries"), n))
    return n
def history(where, c, left, unseen, excused):
    key = c["object"]["type"], c["object"]["id"]
    before, after, version = c.get("before"), c.get("after"), c["object"]["version"]
    state, old, seen = left.get(key, (None, 0, 0))
    if not excused and unseen <= seen and (before and (not state or before["hash"] != state) or version < old):
        wrong(where, "l'atto su %s %s parte da uno stato che nessuna voce ha lasciato: manca o e' cambiata una voce" % key)
    if after or before or key in left:
        left[key] = (after["hash"] if after else None if before else state, version, unseen)

def verify(path, key):
    with open(path, "rb") as f:
        z = zipfile.ZipFile(f)
        container(f, z, f.seek(0, 2))
        listed = manifest(z, "manifest-sha256.txt", lambda n: n.startswith("data/"))
        manifest(z, "tagmanifest-sha256.txt", lambda n: not n.startswith("data/") and n != "tagmanifest-sha256.txt")
        statement = json.loads(z.read("statement.json"))
        said = statement["body"]
        text = "sigillo-statement/1\n%s\n%s\n\n%s\n" % (statement["kind"], canonical(said), "\n".join(statement["signatures"]))
        if statement["kind"] != "bundle" or said["format"] != "sigillo-bundle/1" or not signed(text, key):
            wrong("statement.json", "la dichiarazione non e' firmata dalla chiave del registro")
        if said["manifest"] != digest(z, "manifest-sha256.txt") or not listed:
            wrong("manifest-sha256.txt", "non e' l'elenco che la piattaforma ha firmato: il fascicolo e' stato rifatto")
        note = z.read("data/checkpoint").decode()
        if not signed(note, key):
            wrong("data/checkpoint", "il checkpoint non e' firmato dalla chiave del registro")
        origin, leaves, root = note.split("\n")[:3]
        n = entries(z, said, note, int(leaves), b64(root, 32))
    return "%d voci su %s del registro %s, radice %s" % (n, leaves, origin, root)

def main(args):
    try:
        key = verifier_key(args[2])
    except (ValueError, IndexError):
        print(__doc__)
        return 2
    try:
        told = verify(args[1], key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, NotImplementedError, RuntimeError,
            struct.error, zipfile.BadZipFile) as error:
        wrong(args[1], "non si legge come fascicolo (%s)" % error)
    if problems:
        print("\n".join("  " + p for p in problems[:100]) + "\nNON VERIFICATO: %d problemi." % len(problems))
        return 1
    print("%s\nVERIFICATO: archivio, firme, impronte, prove, numerazione e storia corrispondono." % told)
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv))
