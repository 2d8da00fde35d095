import type { NodeName } from "../../vault/names/index.ts";

export interface RestoreScript {
  readonly node: NodeName;
  /** SHA-256 of the packaged coldkeep that is fetched and run, lower-case hex. */
  readonly agent: string;
}

/**
 * `restore.sh`: plain POSIX sh. It follows from node and digest alone, so whoever makes a ticket knows its own digest
 * without asking the presenter, which is trusted with nothing (docs/FORMAT.md, rulings): it can neither change the script nor
 * the program that is run.
 */
export function renderRestoreScript({ node, agent }: RestoreScript): string {
  return `#!/bin/sh
# Restores a snapshot of ${node} on a host without coldkeep or any AWS credentials: fetches coldkeep, compares it with
# the digest below, and runs its restore. Compare the digest of this script itself before you run it.
#
#   sh restore.sh --from URL --ticket-file FILE --to FOLDER --identity KEY [what else coldkeep restore takes]
#
# With the node's configuration in place of --to (--config FILE, or /etc/coldkeep/config.yaml) its folders are replaced, and
# the node is started: add --wait-healthy to wait until it is as high as its snapshot.
#
# The ticket stays in its file: it is sent in a header, and stands in no argument and no URL.
set -eu
umask 077
NODE='${node}'
AGENT='${agent}'
FROM=
TICKET=
SHARE=

fail() {
  printf 'restore.sh: %s\\n' "$1" >&2
  exit 1
}

left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $word in
    --from | --ticket-file | --share-file)
      [ "$left" -gt 0 ] || fail "$word wants a value"
      case $word in
        --from) FROM=$1 ;;
        --ticket-file) TICKET=$1 ;;
        --share-file) SHARE=$1 ;;
      esac
      shift
      left=$((left - 1))
      ;;
    *) set -- "$@" "$word" ;;
  esac
done

[ -n "$FROM" ] || fail 'where from? give --from URL'
FROM=\${FROM%/}
case $FROM in
  https://*) PROTO='=https' ;;
  http://127.0.0.1:* | http://localhost:* | 'http://[::1]:'*) PROTO='=http,https' ;;
  *) fail 'the ticket is sent over https only' ;;
esac
if [ -n "$TICKET" ] && [ -z "$SHARE" ]; then FILE=$TICKET WITH=--ticket-file
elif [ -n "$SHARE" ] && [ -z "$TICKET" ]; then FILE=$SHARE WITH=--share-file
else fail 'give --ticket-file FILE, or --share-file FILE'; fi
[ -r "$FILE" ] || fail "cannot read $FILE"

for tool in curl tar gzip mktemp uname df awk; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing; install it and run this again"
done
if command -v sha256sum >/dev/null 2>&1; then digest() { sha256sum "$1"; }
elif command -v shasum >/dev/null 2>&1; then digest() { shasum -a 256 "$1"; }
elif command -v openssl >/dev/null 2>&1; then digest() { openssl dgst -sha256 -r "$1"; }
else fail 'sha256sum is missing; install it and run this again'; fi
[ "$(uname -s)" = Linux ] || fail "coldkeep runs on Linux; this is $(uname -s)"

WORK=$(mktemp -d "\${TMPDIR:-/tmp}/coldkeep-restore.XXXXXX") || fail 'cannot make a temporary folder'
trap 'rm -rf "$WORK"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
free=$(df -Pk "$WORK" | awk 'NR == 2 { print $4 }')
[ "\${free:-0}" -ge 300000 ] || fail "300 MB are needed for a while in $WORK; name another place with TMPDIR"

read -r ticket <"$FILE" || [ -n "$ticket" ] || fail "$FILE is empty"
# Of a share token only the ticket is ever sent.
case $ticket in
  ckshare1.*)
    ticket=\${ticket#ckshare1.}
    ticket=\${ticket%.*}
    ;;
esac
case $ticket in
  ckt1.*) ;;
  *) fail "there is no ticket in $FILE" ;;
esac
case $ticket in *[!A-Za-z0-9._-]*) fail "there is no ticket in $FILE" ;; esac

printf 'restore.sh: fetching coldkeep\\n' >&2
printf 'header = "Authorization: Bearer %s"\\n' "$ticket" |
  curl --config - --fail --silent --show-error --location --retry 3 --proto "$PROTO" --proto-redir "$PROTO" \\
    --connect-timeout 20 --output "$WORK/agent.tar.gz" "$FROM/agents/$AGENT" ||
  fail 'coldkeep could not be fetched; is the ticket still valid?'
found=$(digest "$WORK/agent.tar.gz")
[ "\${found%% *}" = "$AGENT" ] || fail 'what was fetched is not the coldkeep that was promised: NOT run'
mkdir "$WORK/agent"
tar -xzf "$WORK/agent.tar.gz" -C "$WORK/agent" || fail 'cannot unpack coldkeep'
rm -f "$WORK/agent.tar.gz"
"$WORK/agent/coldkeep/coldkeep" --version >/dev/null 2>&1 ||
  fail "coldkeep does not run here: it was packaged for another processor than $(uname -m), or needs a newer system (glibc 2.28)"

code=0
"$WORK/agent/coldkeep/coldkeep" restore --from "$FROM" "$WITH" "$FILE" --node "$NODE" "$@" || code=$?
exit "$code"
`;
}
