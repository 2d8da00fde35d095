#!/usr/bin/env python3
"""Reads a coldkeep vault without coldkeep: an independent reader, written from docs/FORMAT.md alone.

    python3 tools/read_vault.py --vault DIR --node NAME --key-file FILE --to DIR
    COLDKEEP_KEY=... python3 tools/read_vault.py --vault DIR --node NAME --key-env COLDKEEP_KEY --to DIR

Restores one snapshot of a directory vault into a fresh directory: files, directories, symlinks, hardlinks, modes, times,
holes and extended attributes. Checks the card's signature and MAC, the key commitments, every tag and every chunk id.
Needs Python 3.9 or later and, from PyPI, the packages in tools/requirements.txt.
Software keys (a string, hex, or a file), age identities (--age-identity) and RSA private keys (--rsa-key), also
under a passphrase, and share tokens (--share-file), both suites. Sections named in comments are those of docs/FORMAT.md.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import stat
import struct
import sys

try:
    import zstandard
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.hmac import HMAC
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
except ImportError as missing:
    sys.exit(f"read_vault: {missing}. Run: python3 -m pip install --require-hashes -r tools/requirements.txt")

HEADER, BOUND, TRAILER, TAG = 96, 64, 16, 16
HEADER_MAGIC, TRAILER_MAGIC = b"CKOBJ\r\n\x1a", b"CKEND\r\n\x1a"
DATA, FOOTER, PADDING = 1, 2, 3
KINDS = {"pack": 1, "manifest": 2, "share": 3}
MAX_PLAIN = 16 * 1024 * 1024
MAX_INTEGER = 2**53 - 1

NODE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?\Z")
SNAPSHOT_ID = re.compile(r"\d{8}T\d{6}Z(?:-bh(?:0|[1-9]\d{0,15}))?-[0-9a-f]{16}\Z")
MEMBER = re.compile(r"[A-Za-z0-9_.-]{0,255}\Z")


class Damaged(Exception):
    """The vault is not as docs/FORMAT.md says."""


def check(condition, what):
    if not condition:
        raise Damaged(what)


# Section 1: words and notation


def lp(*items):
    parts = []
    for item in items:
        data = item.encode() if isinstance(item, str) else item
        parts += [struct.pack(">H", len(data)), data]
    return b"".join(parts)


def unb64(text, length, what):
    check(isinstance(text, str), f"{what} is no text")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Damaged(f"{what} is not base64url") from None
    check(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, f"{what} is not canonical base64url")
    check(length is None or len(data) == length, f"{what} has {len(data)} bytes, expected {length}")
    return data


def sha256(data):
    return hashlib.sha256(data).digest()


class Suite:
    """The algorithms of one suite (the table in section 1)."""

    def __init__(self, name, number, key_bytes, hash_type, cipher, kdf):
        self.name, self.number, self.key_bytes = name, number, key_bytes
        self.hash_type, self.cipher, self.kdf = hash_type, cipher, kdf

    def hash(self, data):
        digest = hashes.Hash(self.hash_type())
        digest.update(data)
        return digest.finalize()

    def mac(self, key, *parts):
        made = HMAC(key, self.hash_type())
        for part in parts:
            made.update(part)
        return made.finalize()

    def extract(self, salt, ikm):
        """HKDF-Extract, RFC 5869 section 2.2."""
        return self.mac(salt, ikm)

    def expand(self, prk, info, length):
        """HKDF-Expand, RFC 5869 section 2.3."""
        out, block, i = b"", b"", 1
        while len(out) < length:
            block = self.mac(prk, block, info, bytes([i]))
            out += block
            i += 1
        return out[:length]

    def open(self, key, nonce, sealed, aad):
        """The plaintext; None where the tag does not verify."""
        if len(sealed) < TAG:
            return None
        opener = Cipher(self.cipher(key), modes.GCM(nonce, sealed[-TAG:])).decryptor()
        opener.authenticate_additional_data(aad)
        body = opener.update(sealed[:-TAG])
        try:
            opener.finalize()
        except InvalidTag:
            return None
        return body


SUITES = {
    "aes-256-gcm": Suite("aes-256-gcm", 1, 32, hashes.SHA256, algorithms.AES, "scrypt"),
    "sm4-gcm": Suite("sm4-gcm", 2, 16, hashes.SM3, algorithms.SM4, "pbkdf2-sm3"),
}


def suite_named(name, what):
    check(isinstance(name, str) and name in SUITES, f"{what}: suite {name}, this reader has {', '.join(SUITES)}")
    return SUITES[name]


# Section 3: JSON


def read_json(data, what):
    """The value of canonical bytes; anything else is refused."""

    def no_fraction(text):
        raise Damaged(f"{what}: {text} is no integer")

    def members(pairs):
        found = dict(pairs)
        check(len(found) == len(pairs), f"{what}: a member is there twice")
        for name in found:
            check(MEMBER.match(name) and name != "__proto__", f"{what}: a member's name is outside the alphabet")
        return found

    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=members, parse_float=no_fraction, parse_constant=no_fraction
        )
        canonical = write_json(value, what).encode("utf-8")
    except (UnicodeError, ValueError, RecursionError):
        raise Damaged(f"{what}: not canonical JSON") from None
    check(canonical == data, f"{what}: not in canonical form")
    newer = value.get("format", value.get("core", {})) if isinstance(value, dict) else 1
    newer = newer.get("format", 1) if isinstance(newer, dict) else newer
    check(not isinstance(newer, int) or newer <= 1, f"{what}: written in format {newer}, this reader knows 1")
    return value


def write_json(value, what, depth=0):
    check(depth <= 24, f"{what}: nested too deep")
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        check(abs(value) <= MAX_INTEGER, f"{what}: {value} is out of bounds")
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(write_json(item, what, depth + 1) for item in value) + "]"
    check(isinstance(value, dict), f"{what}: null has no place in the format")
    # Names of members are ASCII, so code points and UTF-16 units sort alike.
    return "{" + ",".join(f'"{name}":{write_json(value[name], what, depth + 1)}' for name in sorted(value)) + "}"


def require(record, what, required, optional=()):
    """Exactly the members named."""
    check(isinstance(record, dict), f"{what} is no object")
    for name in required:
        check(name in record, f"{what}: {name} is missing")
    for name in record:
        check(name in required or name in optional, f"{what}: {name} is unknown")
    return record


def whole(value, low, high, what):
    check(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high, f"{what} is out of bounds")
    return value


def attribute_name(text):
    """The bytes of an extended attribute's name: U+EF80 to U+EFFF stand for single bytes that are not UTF-8."""
    return b"".join(bytes([ord(c) - 0xEF00]) if 0xEF80 <= ord(c) <= 0xEFFF else c.encode() for c in text)


def text_of(value, what):
    check(isinstance(value, str), f"{what} is no text")
    return value


def list_of(value, what):
    check(isinstance(value, list), f"{what} is no list")
    return value


def snapshot_id(value, what):
    check(isinstance(value, str) and SNAPSHOT_ID.match(value), f"{what} is no snapshot id")
    return value


# Section 2: names. The only way to the vault's files.


class Vault:
    def __init__(self, folder, node):
        check(NODE_NAME.match(node) and ".." not in node and node not in ("groups", "tickets", "vault.json"), "no node name")
        self.folder, self.node = folder, node

    def _path(self, name):
        return os.path.join(self.folder, self.node, *name.split("/"))

    def read(self, name, limit):
        path = self._path(name)
        try:
            with open(path, "rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError:
            raise Damaged(f"{name} is missing") from None
        check(len(data) <= limit, f"{name} is larger than {limit} bytes")
        return data

    def read_range(self, name, offset, length):
        try:
            with open(self._path(name), "rb") as file:
                file.seek(offset)
                data = file.read(length)
        except FileNotFoundError:
            raise Damaged(f"{name} is missing") from None
        check(len(data) == length, f"{name} is truncated: {length} bytes expected at {offset}, found {len(data)}")
        return data

    def latest(self):
        """The newest snapshot that backup_list names; without that file, the greatest id with a committed card."""
        try:
            first = self.read("backup_list", 64 * 1024 * 1024).decode("ascii").split("\n")[0]
            if first:
                return snapshot_id(first.split("/")[-1], "backup_list")
        except Damaged:
            pass
        suffix = ".card.json"
        cards = [n[: -len(suffix)] for n in os.listdir(self._path("snapshots")) if n.endswith(suffix)]
        for found in sorted((c for c in cards if SNAPSHOT_ID.match(c)), reverse=True):
            if "core" in read_json(self.read(f"snapshots/{found}{suffix}", 64 * 1024 * 1024), found):
                return found
        raise Damaged("the node has no snapshot")


# Section 4: keys


class Keys:
    """Everything derived from one snapshot's key."""

    def __init__(self, sk, suite, vault_id, node, snapshot):
        self.suite, self.vault_id, self.node, self.snapshot = suite, vault_id, node, snapshot
        prk = suite.extract(suite.hash(context(suite, vault_id, node, snapshot)), sk)
        for label in ("commit", "pack", "manifest", "card", "slots"):
            setattr(self, label, suite.expand(prk, lp("coldkeep/v1 " + label), 32))


def context(suite, vault_id, node, snapshot):
    return lp("coldkeep/v1", bytes([suite.number]), vault_id, node, snapshot)


AGE_MAGIC, AGE_ARMOR = b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----"
AGE_CHUNK = 64 * 1024


def age_b64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def age_hkdf(secret, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def age_open(data, what, file_key_of):
    """The plaintext of an age file (age-encryption.org/v1); None where `file_key_of` its stanzas gives no file key."""
    end = data.find(b"\n---")
    check(data.startswith(AGE_MAGIC) and end > 0, f"{what} is no age file")
    header, rest = data[: end + 4], data[end + 4 :]
    mac_line, _, payload = rest.partition(b"\n")
    lines = header.decode("ascii").split("\n")[1:-1]
    stanzas = [(line.split(" ")[1:], age_b64(body)) for line, body in zip(lines, lines[1:]) if line.startswith("-> ")]
    file_key = file_key_of(stanzas)
    if file_key is None:
        return None
    expected = hmac.new(age_hkdf(file_key, b"", b"header"), header, hashlib.sha256).digest()
    check(hmac.compare_digest(expected, age_b64(mac_line.strip().decode("ascii"))), f"{what} is damaged")
    stream = ChaCha20Poly1305(age_hkdf(file_key, payload[:16], b"payload"))
    sealed, plain, size = payload[16:], b"", AGE_CHUNK + TAG
    for i in range(max(1, -(-len(sealed) // size))):
        last = (i + 1) * size >= len(sealed)
        try:
            plain += stream.decrypt(i.to_bytes(11, "big") + bytes([last]), sealed[i * size : (i + 1) * size], None)
        except InvalidTag:
            raise Damaged(f"{what} is damaged") from None
    return plain


def age_identities(data, passphrase):
    """The text of a file of identities, which may be under a passphrase (age -p), in binary or armored."""
    if data.lstrip().startswith(AGE_ARMOR):
        body = data.decode("ascii").strip().split("\n")
        data = base64.b64decode("".join(line.strip() for line in body[1:-1]))
    if not data.startswith(AGE_MAGIC):
        return data.decode("ascii")
    check(passphrase is not None, "the age identities are under a passphrase: give --passphrase-env")

    def file_key_of(stanzas):
        check(len(stanzas) == 1 and stanzas[0][0][0] == "scrypt", "the age identities are under no passphrase")
        (_, salt, cost), body = stanzas[0]
        cost = whole(int(cost), 1, 22, "scrypt's cost")
        salt = b"age-encryption.org/v1/scrypt" + age_b64(salt)
        wrap = hashlib.scrypt(passphrase, salt=salt, n=2**cost, r=8, p=1, dklen=32, maxmem=256 * 2**cost * 8)
        try:
            return ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
        except InvalidTag:
            return None

    plain = age_open(data, "the file of age identities", file_key_of)
    check(plain is not None, "the passphrase does not open the age identities")
    return plain.decode("ascii")


class AgeKey:
    """Opens slots of type age with X25519 identities."""

    type = "age"

    def __init__(self, path, passphrase):
        with open(path, "rb") as file:
            lines = [line.strip() for line in age_identities(file.read(), passphrase).split("\n")]
        self.keys = [X25519PrivateKey.from_private_bytes(self._bech32(line)) for line in lines if line and line[0] != "#"]

    @staticmethod
    def _bech32(text):
        """The 32 bytes of AGE-SECRET-KEY-1…, BIP 173; its checksum is left to the tag behind it."""
        alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
        prefix, _, data = text.lower().rpartition("1")
        check(prefix == "age-secret-key-" and len(data) == 58, "no age identity")
        check(all(letter in alphabet for letter in data), "no age identity")
        bits = 0
        for letter in data[:52]:
            bits = bits << 5 | alphabet.index(letter)
        return (bits >> 4).to_bytes(32, "big")

    def unwrap(self, slot, _suite):
        require(slot, "a key slot", ("id", "type", "kid", "added", "ct"))
        return age_open(unb64(slot["ct"], None, "ct"), "a key slot", self._file_key)

    def _file_key(self, stanzas):
        for words, body in stanzas:
            if words[:1] != ["X25519"] or len(words) != 2:
                continue
            share = age_b64(words[1])
            for key in self.keys:
                own = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
                secret = key.exchange(X25519PublicKey.from_public_bytes(share))
                wrap = age_hkdf(secret, share + own, b"age-encryption.org/v1/X25519")
                try:
                    return ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
                except InvalidTag:
                    continue
        return None


class RsaKey:
    """Opens slots of type rsa (section 4)."""

    type = "rsa"

    def __init__(self, path, passphrase):
        with open(path, "rb") as file:
            pem = file.read()
        # A passphrase is refused by a key that has none.
        locked = b"ENCRYPTED" in pem
        check(not locked or passphrase is not None, "the RSA key is under a passphrase: give --passphrase-env")
        try:
            self.key = load_pem_private_key(pem, passphrase if locked else None)
        except ValueError:
            raise Damaged("the passphrase does not open the RSA key, or it is none") from None

    def unwrap(self, slot, suite):
        require(slot, "a key slot", ("id", "type", "kid", "added", "mech", "hash", "ct"))
        check(slot["mech"] == "rsa-oaep" and slot["hash"] in ("sha256", "sha1"), "a key slot asks for another RSA")
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if suite.hash(spki)[:8].hex() != slot["kid"]:
            return None
        digest = hashes.SHA256() if slot["hash"] == "sha256" else hashes.SHA1()
        try:
            return self.key.decrypt(unb64(slot["ct"], None, "ct"), OAEP(MGF1(digest), digest, None))
        except ValueError:
            raise Damaged("a key slot is damaged") from None


class GeneratedKey(bytes):
    """Random bits, spelled "ckkey1.<b64url>.<check>" (section 4). No password, so its slots are not stretched."""

    PREFIX = b"ckkey1."

    @classmethod
    def of(cls, text):
        """The key in this spelling; the text itself where it is in none."""
        if not text.startswith(cls.PREFIX):
            return text
        letters, _, told = text[len(cls.PREFIX) :].decode("ascii", "replace").rpartition(".")
        key = unb64(letters, None, "the key")
        check(len(key) in (16, 32), "the key was not copied rightly")
        check(base64.urlsafe_b64encode(hashlib.sha256(b"ckkey1" + key).digest()[:3]).decode() == told, "the key was not copied rightly")
        return cls(key)


class KeyRing:
    """Opens key.json of each origin once. `source` is the bytes of a software key, or one of the two above."""

    def __init__(self, vault, vault_text, suite, source):
        self.vault, self.vault_text, self.suite, self.source = vault, vault_text, suite, source
        self.vault_id = unb64(vault_text, 16, "vault")
        self.opened, self.stretched = {}, {}

    def keys_of(self, snapshot, commit):
        if snapshot not in self.opened:
            self.opened[snapshot] = self._open(snapshot, commit)
        return self.opened[snapshot]

    def _open(self, snapshot, commit):
        what = f"data/{snapshot}/key.json"
        file = read_json(self.vault.read(what, 64 * 1024), what)
        require(
            file, what, ("format", "vault", "node", "snapshot", "suite", "commit", "generation", "slots", "mac")
        )
        check(file["vault"] == self.vault_text and file["node"] == self.vault.node, f"{what} is of another node")
        check(file["snapshot"] == snapshot and file["suite"] == self.suite.name, f"{what} is of another snapshot")
        check(unb64(file["commit"], 32, "commit") == commit, f"{what} is not this snapshot's")
        slots = list_of(file["slots"], "slots")
        check(1 <= len(slots) <= 32, f"{what} has {len(slots)} slots")
        damaged = None
        for slot in slots:
            if not isinstance(slot, dict) or slot.get("type") != getattr(self.source, "type", "key"):
                continue
            try:
                sk = self._unwrap(slot, snapshot) if slot["type"] == "key" else self.source.unwrap(slot, self.suite)
            except Damaged as error:
                damaged = error
                continue
            if sk is None or len(sk) != 32:
                continue
            keys = Keys(sk, self.suite, self.vault_id, self.vault.node, snapshot)
            check(hmac.compare_digest(keys.commit, commit), f"{what}: not the key of this snapshot")
            bare = {name: value for name, value in file.items() if name != "mac"}
            expected = self.suite.mac(keys.slots, b"coldkeep/v1 slots\0", write_json(bare, what).encode())
            if not hmac.compare_digest(expected, unb64(file["mac"], 32, "mac")):
                print(f"warning: the list of slots in {what} was tampered with; the key itself is proven", file=sys.stderr)
            return keys
        raise damaged or Damaged(f"the key given does not open {what}")

    def pack_secret(self, _origin, _index):
        """None: it comes of the keys."""
        return None

    def _unwrap(self, slot, snapshot):
        require(slot, "a key slot", ("id", "type", "kid", "added", "stretch", "salt", "ct"))
        # A slot has no say in whether a password is stretched.
        unstretched = isinstance(slot["stretch"], dict) and slot["stretch"].get("kdf") == "none"
        if unstretched != isinstance(self.source, GeneratedKey):
            return None
        suite, kek = self.suite, self.source if unstretched else self._stretch(slot["stretch"])
        if suite.expand(suite.extract(b"", kek), lp("coldkeep/v1 kid"), 8).hex() != slot["kid"]:
            return None
        info = lp("coldkeep/v1 slot") + context(suite, self.vault_id, self.vault.node, snapshot)
        okm = suite.expand(suite.extract(unb64(slot["salt"], 32, "salt"), kek), info, suite.key_bytes + 12)
        sk = suite.open(okm[: suite.key_bytes], okm[suite.key_bytes :], unb64(slot["ct"], 48, "ct"), b"")
        check(sk is not None, "a key slot is damaged")
        return sk

    def _stretch(self, stretch):
        """The key-encryption key. Refuses what the suite does not use, and what is no honest writer's cost."""
        costs = {"scrypt": ("n", "r", "p"), "pbkdf2-sm3": ("iterations",)}[self.suite.kdf]
        require(stretch, "a key slot's stretch", ("kdf", "salt", *costs))
        check(stretch["kdf"] == self.suite.kdf, "a stretching this reader refuses")
        salt = unb64(stretch["salt"], 32, "stretch.salt")
        if self.suite.kdf == "scrypt":
            n = whole(stretch["n"], 2**14, 2**20, "n")
            check(n & (n - 1) == 0 and stretch["r"] == 8 and stretch["p"] == 1, "a stretching this reader refuses")
            make = lambda: hashlib.scrypt(self.source, salt=salt, n=n, r=8, p=1, dklen=32, maxmem=256 * n * 8)
        else:
            n = whole(stretch["iterations"], 100_000, 10_000_000, "iterations")
            make = lambda: PBKDF2HMAC(hashes.SM3(), 32, salt, n).derive(self.source)
        if (salt, n) not in self.stretched:
            self.stretched[(salt, n)] = make()
        return self.stretched[(salt, n)]


# Section 5: sealed objects


def place_of(keys, kind, name):
    return name if kind == "share" else f"data/{keys.snapshot}/{name}"


class Sealed:
    """Key, nonce base and commitment of one object; `secret` where its OS is known without the snapshot's key."""

    def __init__(self, keys, kind, index, name, salt, secret=None):
        self.name = place_of(keys, kind, name)
        suite = keys.suite
        tag = suite.hash(lp("coldkeep/v1 name", keys.vault_id, keys.node, keys.snapshot, name))[:16]
        head = HEADER_MAGIC + bytes([1, suite.number, KINDS[kind], 0]) + struct.pack(">I", index)
        self.bound = head + tag + salt
        if secret is None:
            secret = suite.extract(salt, getattr(keys, kind))
        size = suite.key_bytes
        okm = suite.expand(secret, lp("coldkeep/v1 object", self.bound), size + 12 + 32)
        self.suite, self.key = suite, okm[:size]
        self.nonce_base, self.commit = okm[size : size + 12], okm[size + 12 :]

    def open(self, kind, i, codec, plain, sealed):
        nonce = self.nonce_base[:8] + (int.from_bytes(self.nonce_base[8:], "big") ^ i).to_bytes(4, "big")
        body = self.suite.open(self.key, nonce, bytes(sealed), struct.pack(">BIBI", kind, i, codec, plain))
        check(body is not None, f"{self.name}: frame {i} is damaged")
        if codec == 0:
            check(len(body) == plain, f"{self.name}: frame {i} has another length than declared")
            return body
        return decompress(body, plain, f"{self.name}: frame {i}")


def decompress(body, plain, what):
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=2**24).stream_reader(body)
        out = reader.read(plain + 1)
    except zstandard.ZstdError:
        raise Damaged(f"{what} does not decompress") from None
    check(len(out) == plain, f"{what} has another length than declared")
    return out


def row_is_possible(offset, stored, plain, codec):
    fits = stored == plain + TAG if codec == 0 else codec == 1 and TAG <= stored < plain + TAG
    return fits and plain <= MAX_PLAIN and HEADER <= offset <= 5 * 2**30 - stored


def open_whole(keys, kind, index, name, data, secret=None):
    """The plaintexts of all data frames of an object."""
    what = place_of(keys, kind, name)
    check(len(data) >= HEADER + TAG + TRAILER, f"{what} is truncated")
    check(data[:8] == HEADER_MAGIC, f"{what} is no coldkeep object")
    check(data[8] == 1, f"{what} has version {data[8]}, this reader knows 1")
    sealed = Sealed(keys, kind, index, name, data[32:64], secret)
    check(data[:BOUND] == sealed.bound, f"{what} is another object")
    check(hmac.compare_digest(data[BOUND:HEADER], sealed.commit), f"{what}: wrong key or damaged header")
    stored, n, magic = struct.unpack(">II8s", data[-TRAILER:])
    start = len(data) - TRAILER - stored
    check(magic == TRAILER_MAGIC and n <= 2**24 and stored == 10 * n + TAG and start >= HEADER, f"{what} is truncated")
    footer = sealed.open(FOOTER, n, 0, 10 * n, data[start : start + stored])
    frames, offset = [], HEADER
    for i in range(n):
        frame_type, codec, size, plain = struct.unpack_from(">BBII", footer, 10 * i)
        last_padding = frame_type == PADDING and i == n - 1 and codec == 0 and plain < 65536
        check(frame_type == DATA or last_padding, f"{what}: impossible frame {i}")
        check(row_is_possible(offset, size, plain, codec), f"{what}: impossible frame {i}")
        body = sealed.open(frame_type, i, codec, plain, data[offset : offset + size])
        if frame_type == DATA:
            frames.append(body)
        else:
            check(not any(body), f"{what}: the padding is not zero")
        offset += size
    check(offset == start and len(data) % 65536 == 0, f"{what} is truncated")
    return frames


# Section 10: shares


class Scope:
    """What names a snapshot, for objects whose secret comes from elsewhere than its key."""

    def __init__(self, suite, vault_id, node, snapshot):
        self.suite, self.vault_id, self.node, self.snapshot = suite, vault_id, node, snapshot


class Share:
    """A share token, and, once its object is open, what it opens. Takes the place of a KeyRing."""

    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            text = file.read(8192).strip()
        parts = text.split(".")
        check(len(parts) == 5 and parts[:2] == ["ckshare1", "ckt1"], "no share token")
        self.key = unb64(parts[4], 32, "the key of the share")
        ticket = read_json(unb64(parts[2], None, "the ticket"), "the ticket")
        names = ("v", "tid", "vault", "node", "snapshot", "iat", "exp", "kind", "card_key")
        require(ticket, "the ticket", names, ("min_seq",))
        check(ticket["v"] == 1 and ticket["kind"] == "share", "the ticket is of no share")
        unb64(ticket["tid"], 16, "tid")
        self.ticket, self.snapshot = ticket, snapshot_id(ticket["snapshot"], "snapshot of the share")

    def open(self, vault, card, card_bytes):
        """Opens <node>/shares/<tid>; the card is the one that the share means, whoever could have made its MAC."""
        core, what = card["core"], f"shares/{self.ticket['tid']}"
        check(core["vault"] == self.ticket["vault"] and vault.node == self.ticket["node"], "the share is of another node")
        self.suite = suite_named(core["suite"], "card")
        self.vault_id = unb64(core["vault"], 16, "vault")
        keys = self.keys_of(self.snapshot, None)
        keys.share = self.key
        content = read_json(b"".join(open_whole(keys, "share", 0, what, vault.read(what, 2**28))), what)
        require(content, what, ("format", "card_sha256", "manifest", "origins", "packs", "without_secrets"))
        check(content["card_sha256"] == sha256(card_bytes).hex(), "the card is not the one that was shared")
        origins = [snapshot_id(origin, "an origin") for origin in list_of(content["origins"], "origins")]
        self.manifest_secret = unb64(content["manifest"], 32, "manifest")
        self.packs = {}
        for origin, index, secret in list_of(content["packs"], "packs"):
            whole(origin, 0, len(origins) - 1, "origin of a pack")
            self.packs[(origins[origin], whole(index, 0, 99999, "number of a pack"))] = unb64(secret, 32, "os")
        self.without_secrets = content["without_secrets"] is True

    def keys_of(self, snapshot, _commit):
        return Scope(self.suite, self.vault_id, self.ticket["node"], snapshot)

    def pack_secret(self, origin, index):
        secret = self.packs.get((origin, index))
        check(secret is not None, f"the share does not open pack {index} of {origin}")
        return secret


# Sections 6, 7: card and manifest

CORE = (
    "format", "state", "vault", "node", "snapshot", "suite", "commit", "seq", "started", "captured", "profile", "tags",
    "bytes", "manifest", "pack_lists", "origins",
)  # fmt: skip
CORE_OPTIONAL = ("parent", "downtime_ms", "heights", "group")
MANIFEST = (
    "format", "vault", "node", "snapshot", "suite", "captured", "profile", "tags", "roots", "chunk_key", "origins",
    "packs", "segments", "totals", "omitted",
)  # fmt: skip


def read_card(vault, snapshot, pin):
    name = f"snapshots/{snapshot}.card.json"
    data = vault.read(name, 64 * 1024 * 1024)
    card = read_json(data, name)
    check(isinstance(card, dict) and "core" in card, f"{name} closes a run that never became a snapshot")
    require(card, name, ("core", "mac", "sig"))
    core = require(card["core"], name, CORE, CORE_OPTIONAL)
    check(core["state"] == "committed" and core["format"] == 1, f"{name} is no card of a snapshot")
    check(core["node"] == vault.node and core["snapshot"] == snapshot, f"{name} is another snapshot's")
    suite_named(core["suite"], name)
    require(card["sig"], name, ("key", "value"))
    key = unb64(card["sig"]["key"], 32, "sig.key")
    signed = b"coldkeep/v1 sig\0" + write_json(core, name).encode() + unb64(card["mac"], 32, "mac")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(unb64(card["sig"]["value"], 64, "sig.value"), signed)
    except (InvalidSignature, ValueError):
        raise Damaged(f"{name}: the signature does not verify") from None
    check(pin is None or pin == card["sig"]["key"], f"{name} is signed by another host")
    return card, data


def read_manifest(vault, core, keys, secret=None):
    name = f"data/{keys.snapshot}/manifest"
    expected = require(core["manifest"], "manifest of the card", ("size", "sha256"))
    data = vault.read(name, whole(expected["size"], 1, 2**30, "size of the manifest"))
    check(len(data) == expected["size"], f"{name} is truncated")
    check(sha256(data).hex() == expected["sha256"], f"{name} is not what the card recorded")
    manifest = read_json(b"".join(open_whole(keys, "manifest", 0, "manifest", data, secret)), name)
    require(manifest, name, MANIFEST, ("heights",))
    for field in ("format", "vault", "node", "snapshot", "suite"):
        check(manifest[field] == core[field], f"{name} belongs to another {field}")
    check_pack_table(manifest, core, name)
    roots = [require(root, "a root", ("name", "path"))["name"] for root in list_of(manifest["roots"], "roots")]
    check(len(set(roots)) == len(roots) >= 1, f"{name}: a root is there twice, or none is")
    for root in roots:
        check("/" not in text_of(root, "a root"), "a root's name has more than one component")
        check_path(root.encode("utf-8"))
    return manifest, [root.encode("utf-8") for root in roots]


def check_pack_table(manifest, core, name):
    """The card must cover every pack in use (ruling: a lying card)."""
    covered = {}
    for origin in list_of(core["origins"], "origins of the card"):
        require(origin, "an origin of the card", ("snapshot", "ranges"))
        covered[origin["snapshot"]] = origin["ranges"]
    origins = list_of(manifest["origins"], "origins")
    check(len(origins) <= 256, f"{name}: more than 256 origins")
    for origin in origins:
        require(origin, "an origin", ("snapshot", "suite", "commit"))
        snapshot_id(origin["snapshot"], "an origin")
        check(origin["suite"] == manifest["suite"], f"{name}: an origin has another suite")
    seen = set()
    for pack in list_of(manifest["packs"], "packs"):
        require(pack, "a pack", ("origin", "index", "size", "salt", "commit"), ("secret",))
        whole(pack["origin"], 0, len(origins) - 1, "origin of a pack")
        whole(pack["index"], 0, 99999, "number of a pack")
        place = (origins[pack["origin"]]["snapshot"], pack["index"])
        check(place not in seen, f"{name}: a pack is there twice")
        seen.add(place)
        ranges = covered.get(place[0], [])
        check(any(first <= place[1] <= last for first, last in ranges), f"the card does not list pack {place}")


class Packs:
    """Frames by their place."""

    def __init__(self, vault, ring, manifest):
        self.vault, self.ring = vault, ring
        self.commits = {o["snapshot"]: unb64(o["commit"], 32, "commit") for o in manifest["origins"]}
        names = [o["snapshot"] for o in manifest["origins"]]
        self.table = {(names[p["origin"]], p["index"]): p for p in manifest["packs"]}
        self.sealed = {}
        self.chunk_key = unb64(manifest["chunk_key"], 32, "chunk_key")

    def chunk(self, place, secret=False):
        """The plaintext of one chunk, its id compared. place: origin, pack, frame, offset, stored, plain, codec, id."""
        origin, pack, frame, offset, stored, plain, codec, chunk_id = place
        for value in (pack, frame, offset, stored, plain, codec):
            whole(value, 0, MAX_INTEGER, "a place")
        check(row_is_possible(offset, stored, plain, codec) and frame < 2**24, "a chunk lies at an impossible place")
        sealed = self._sealed(origin, pack)
        body = sealed.open(DATA, frame, codec, plain, self.vault.read_range(sealed.name, offset, stored))
        label = lp("secret chunk") if secret else lp("chunk")
        expected = unb64(chunk_id, 32, "a chunk id")
        check(hmac.compare_digest(self.ring.suite.mac(self.chunk_key, label, body), expected), f"{sealed.name}: another content than captured")
        return body

    def _sealed(self, origin, index):
        if (origin, index) not in self.sealed:
            pack = self.table.get((origin, index))
            check(pack is not None, f"pack {index} of {origin} is not in the pack table")
            keys = self.ring.keys_of(origin, self.commits[origin])
            secret = self.ring.pack_secret(origin, index)
            sealed = Sealed(keys, "pack", index, f"{index:05d}.pack", unb64(pack["salt"], 32, "salt"), secret)
            check(hmac.compare_digest(sealed.commit, unb64(pack["commit"], 32, "commit")), f"{sealed.name}: wrong key")
            self.sealed[(origin, index)] = sealed
        return self.sealed[(origin, index)]


# Section 8: files

ENTRY = ("type", "mode", "uid", "gid", "mtime")
ENTRY_OPTIONAL = ("path", "path_raw", "target", "target_raw", "size", "pieces", "from", "xattrs", "secret")


def check_path(path):
    check(len(path) <= 4095 and b"\0" not in path, "a path is too long or holds a NUL byte")
    for part in path.split(b"/"):
        check(1 <= len(part) <= 255 and part not in (b".", b".."), f"a path that cannot be restored: {path!r}")
    return path


def bytes_of(entry, field):
    if field in entry:
        check(f"{field}_raw" not in entry, f"{field} is there twice")
        return text_of(entry[field], field).encode("utf-8")
    if f"{field}_raw" not in entry:
        return None
    raw = unb64(entry[f"{field}_raw"], None, field)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    raise Damaged(f"{field} is text and stands as bytes")


def sort_key(path):
    return path.split(b"/")


def entries_of(manifest, packs):
    """All entries, in order, each with its path, target and pieces decoded."""
    last = None
    for segment in list_of(manifest["segments"], "segments"):
        fields = ("origin", "pack", "frame", "offset", "stored", "plain", "codec", "id")
        require(segment, "a segment", (*fields, "entries"))
        plain = packs.chunk([segment[field] for field in fields])
        lines = plain.split(b"\n")
        check(lines.pop() == b"", "a segment's last line has no end")
        head = require(read_json(lines[0], "a segment"), "a segment", ("origins",))
        check(len(lines) - 1 == segment["entries"] <= 4096, "a segment has another number of entries than recorded")
        for line in lines[1:]:
            entry = read_entry(read_json(line, "an entry"), head["origins"])
            part = last is not None and last["path"] == entry["path"] and last["end"] < last["size"]
            if part:
                check(entry["from"] == last["end"] and entry["size"] == last["size"], "a file's parts do not fit")
            else:
                check(last is None or last["end"] == last["size"], "the end of a file is missing")
                check(last is None or sort_key(last["path"]) < sort_key(entry["path"]), "entries are out of order")
                check(entry["from"] == 0, "the beginning of a file is missing")
            last = entry
            yield entry
    check(last is None or last["end"] == last["size"], "the end of a file is missing")


def read_entry(raw, origins):
    require(raw, "an entry", ENTRY, ENTRY_OPTIONAL)
    path = check_path(bytes_of(raw, "path") or b"")
    kind = raw["type"]
    check(kind in ("file", "directory", "symlink", "hardlink"), f"{path!r} has an unknown type")
    check(("size" in raw) == ("pieces" in raw) == (kind == "file"), f"{path!r}: only files have content")
    seconds, nanoseconds = list_of(raw["mtime"], "mtime")
    entry = {
        "path": path,
        "type": kind,
        "mode": whole(raw["mode"], 0, 0o7777, "mode"),
        "uid": whole(raw["uid"], 0, 2**32 - 1, "uid"),
        "gid": whole(raw["gid"], 0, 2**32 - 1, "gid"),
        "mtime": whole(seconds, -MAX_INTEGER, MAX_INTEGER, "mtime") * 10**9 + whole(nanoseconds, 0, 999_999_999, "mtime"),
        "size": whole(raw.get("size", 0), 0, MAX_INTEGER, "size"),
        "from": whole(raw.get("from", 0), 0, MAX_INTEGER, "from"),
        "secret": raw.get("secret", False),
        "target": bytes_of(raw, "target"),
        "xattrs": [(attribute_name(text_of(n, "xattr")), unb64(v, None, "xattr")) for n, v in list_of(raw.get("xattrs", []), "xattrs")],
        "pieces": [],
    }
    check((entry["target"] is not None) == (kind in ("symlink", "hardlink")), f"{path!r}: a target too many or too few")
    check(entry["target"] is None or (0 < len(entry["target"]) <= 4095 and b"\0" not in entry["target"]), "a bad target")
    end = entry["from"]
    for piece in list_of(raw.get("pieces", []), "pieces"):
        if isinstance(piece, list):
            check(len(piece) == 8, "a piece has 8 items")
            origin = list_of(origins, "origins")[whole(piece[0], 0, len(origins) - 1, "origin of a piece")]
            piece = [snapshot_id(origin, "an origin"), *piece[1:]]
            end += whole(piece[5], 1, MAX_PLAIN, "length of a piece")
        else:
            end += whole(piece, 1, MAX_INTEGER, "length of a hole")
        entry["pieces"].append(piece)
    check(end <= entry["size"], f"{path!r}: its pieces are longer than it")
    entry["end"] = end
    return entry


# Section 9: writing files safely


class Placer:
    """Puts entries below one folder. Opens each parent by itself, never through a symlink."""

    def __init__(self, folder, keep_special):
        self.root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self.keep_special = keep_special
        self.directories, self.files, self.links = {}, {}, []
        self.notes = set()

    def parent(self, path):
        """A descriptor of the folder a path lies in, and the path's last component."""
        *above, name = path.split(b"/")
        fd = os.dup(self.root)
        for part in above:
            try:
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            finally:
                os.close(fd)
            fd = below
        return fd, name

    def place(self, entry, packs, roots):
        path = entry["path"]
        above = path.rpartition(b"/")[0]
        if above == b"":
            check(path in roots and entry["type"] == "directory", f"{path!r} is no root of the snapshot")
        else:
            check(above in self.directories, f"{path!r} lies in nothing that was restored")
        if entry["type"] == "symlink":
            self.links.append(entry)
            return
        fd, name = self.parent(path)
        try:
            if entry["type"] == "directory":
                os.mkdir(name, 0o700, dir_fd=fd)
                self.directories[path] = entry
            elif entry["type"] == "file":
                self._write(fd, name, entry, packs)
            else:
                self._hardlink(fd, name, entry)
        finally:
            os.close(fd)

    def _write(self, parent, name, entry, packs):
        start = os.O_CREAT | os.O_EXCL if entry["from"] == 0 else 0
        fd = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | start, 0o600, dir_fd=parent)
        with os.fdopen(fd, "wb", buffering=0) as file:
            at = entry["from"]
            for piece in entry["pieces"]:
                if isinstance(piece, int):
                    at += piece
                    continue
                body = memoryview(packs.chunk(piece, entry["secret"]))
                file.seek(at)
                at += len(body)
                while body:
                    body = body[file.write(body) :]
            file.truncate(entry["size"])
            first = entry if entry["from"] == 0 else self.files[entry["path"]]
            self.files[entry["path"]] = first
            if entry["end"] == entry["size"]:
                self._finish(file.fileno(), first)

    def _hardlink(self, parent, name, entry):
        target = check_path(entry["target"])
        check(target in self.files, f"{entry['path']!r} is a hardlink to no file before it")
        source, source_name = self.parent(target)
        try:
            os.link(source_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)

    def finish(self):
        """Symlinks, then the folders' own modes and times, from the inside out."""
        for entry in self.links:
            fd, name = self.parent(entry["path"])
            try:
                os.symlink(entry["target"], name, dir_fd=fd)
                self._try("owners", os.chown, name, entry["uid"], entry["gid"], dir_fd=fd, follow_symlinks=False)
                times = (entry["mtime"], entry["mtime"])
                os.utime(name, ns=times, dir_fd=fd, follow_symlinks=False)
            finally:
                os.close(fd)
        for path in sorted(self.directories, key=sort_key, reverse=True):
            parent, name = self.parent(path)
            try:
                fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            finally:
                os.close(parent)
            try:
                self._finish(fd, self.directories[path])
            finally:
                os.close(fd)

    def _finish(self, fd, entry):
        self._try("owners", os.fchown, fd, entry["uid"], entry["gid"])
        for name, value in entry["xattrs"]:
            if name.startswith(b"security.") and not self.keep_special:
                self.notes.add("security.* attributes were dropped; --keep-special-bits restores them")
            elif hasattr(os, "setxattr"):
                self._try("extended attributes", os.setxattr, fd, name, value)
        mode = entry["mode"] if self.keep_special else entry["mode"] & ~(stat.S_ISUID | stat.S_ISGID)
        if mode != entry["mode"]:
            self.notes.add("setuid and setgid bits were dropped; --keep-special-bits restores them")
        os.fchmod(fd, mode)
        os.utime(fd, ns=(entry["mtime"], entry["mtime"]))

    def _try(self, what, function, *arguments, **named):
        try:
            function(*arguments, **named)
        except OSError as error:
            self.notes.add(f"some {what} could not be set: {error.strerror}")


def read_source(arguments):
    """The bytes of the software key (section 4), or what opens the slots of a public one."""
    passphrase = None
    if arguments.passphrase_env is not None:
        passphrase = os.environb.get(arguments.passphrase_env.encode())
        check(passphrase is not None, f"the environment has no {arguments.passphrase_env}")
    if arguments.age_identity is not None:
        return AgeKey(arguments.age_identity, passphrase)
    if arguments.rsa_key is not None:
        return RsaKey(arguments.rsa_key, passphrase)
    if arguments.key_file is not None:
        with open(arguments.key_file, "rb") as file:
            data = file.read(4097)
        check(len(data) <= 4096, "the key file is larger than 4,096 bytes")
        return GeneratedKey.of(data.translate(None, b" \t\n\v\f\r"))
    text = os.environ.get(arguments.key_env)
    check(text is not None, f"the environment has no {arguments.key_env}")
    if text[:2] in ("0x", "0X"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            raise Damaged(f"{arguments.key_env} begins with 0x and is not hexadecimal") from None
    return GeneratedKey.of(text.encode("utf-8"))


def open_with_key(vault, card, arguments):
    """The keys of the snapshot's origins, and its manifest."""
    core = card["core"]
    suite = suite_named(core["suite"], "card")
    ring = KeyRing(vault, core["vault"], suite, read_source(arguments))
    keys = ring.keys_of(core["snapshot"], unb64(core["commit"], 32, "commit"))
    expected = suite.mac(keys.card, b"coldkeep/v1 card\0", write_json(core, "card").encode())
    check(hmac.compare_digest(expected, unb64(card["mac"], 32, "mac")), "the card's MAC does not verify")
    return ring, read_manifest(vault, core, keys)


def shared_entries(entries, share):
    """Without what a share leaves out: secret files and their hardlinks."""
    left_out = set()
    for entry in entries:
        if share is not None and share.without_secrets and (entry["secret"] or entry["target"] in left_out):
            if entry["type"] in ("file", "hardlink"):
                left_out.add(entry["path"])
                continue
        yield entry


def restore(arguments):
    vault = Vault(arguments.vault, arguments.node)
    share = None if arguments.share_file is None else Share(arguments.share_file)
    wanted = arguments.snapshot if share is None or arguments.snapshot != "latest" else share.snapshot
    snapshot = vault.latest() if wanted == "latest" else snapshot_id(wanted, "--snapshot")
    check(share is None or snapshot == share.snapshot, "the share is of another snapshot")
    # The maker of a share says who signs the node's cards.
    pin = arguments.pin if share is None or arguments.pin is not None else share.ticket["card_key"]
    card, card_bytes = read_card(vault, snapshot, pin)
    core = card["core"]
    check(arguments.vault_id in (None, core["vault"]), "the snapshot is of another vault")
    if share is None:
        ring, (manifest, roots) = open_with_key(vault, card, arguments)
    else:
        share.open(vault, card, card_bytes)
        ring = share
        manifest, roots = read_manifest(vault, core, share.keys_of(snapshot, None), share.manifest_secret)
    packs = Packs(vault, ring, manifest)
    os.makedirs(arguments.to, mode=0o700, exist_ok=True)
    check(not os.listdir(arguments.to), f"{arguments.to} is not empty")
    placer = Placer(arguments.to, arguments.keep_special_bits)
    paths, files, size, last = 0, 0, 0, None
    for entry in shared_entries(entries_of(manifest, packs), share):
        placer.place(entry, packs, roots)
        if entry["path"] != last:
            paths, files, size = paths + 1, files + (entry["type"] == "file"), size + entry["size"]
        last = entry["path"]
    placer.finish()
    found = {"entries": paths, "files": files, "bytes": size}
    partly = share is not None and share.without_secrets
    check(partly or manifest["totals"] == found, f"the manifest promises {manifest['totals']}, found {found}")
    for note in sorted(placer.notes):
        print(f"note: {note}", file=sys.stderr)
    if pin is None:
        print(f"note: signed by {card['sig']['key']}; give --pin to have it compared", file=sys.stderr)
    print(f"{snapshot}: {files} files, {size} bytes restored to {arguments.to}")


def main():
    parser = argparse.ArgumentParser(description="Restores one snapshot of a coldkeep directory vault.")
    parser.add_argument("--vault", required=True, metavar="DIR")
    parser.add_argument("--node", required=True, metavar="NAME")
    parser.add_argument("--snapshot", default="latest", metavar="ID", help="default: latest")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--key-file", metavar="FILE", help="file that holds the key")
    key.add_argument("--key-env", metavar="NAME", help="environment variable that holds the key: text, or 0x and hex")
    key.add_argument("--age-identity", metavar="FILE", help="file of age identities, AGE-SECRET-KEY-1…, or one of age -p")
    key.add_argument("--rsa-key", metavar="FILE", help="RSA private key in PEM")
    key.add_argument("--share-file", metavar="FILE", help="a share token, in place of a key")
    parser.add_argument("--passphrase-env", metavar="NAME", help="environment variable that holds the file's passphrase")
    parser.add_argument("--to", required=True, metavar="DIR", help="a new or empty directory")
    parser.add_argument("--pin", metavar="KEY", help="the host's card-signing key, base64url")
    parser.add_argument("--vault-id", metavar="ID", help="the archive expected")
    parser.add_argument("--keep-special-bits", action="store_true", help="setuid, setgid and security.* too")
    arguments = parser.parse_args()
    try:
        restore(arguments)
    except Damaged as error:
        sys.exit(f"read_vault: {error}")
    except OSError as error:
        sys.exit(f"read_vault: {error.strerror}: {error.filename}")


if __name__ == "__main__":
    main()
