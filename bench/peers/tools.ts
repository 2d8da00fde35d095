import ours from "../driver.json" with { type: "json" };

/**
 * A backup tool as bash commands. They see $REPO (a folder, or a prefix in S3), $SRC, $DST, $PW (file of the password),
 * $STATE (its own folder), $TAG, and with S3 $S3_ENDPOINT, $S3_BUCKET, $PREFIX and AWS's two variables. `pre` goes before each.
 */
export interface Tool {
  readonly name: string;
  /** What must be found for it to run. */
  readonly programs: readonly string[];
  readonly s3?: boolean;
  readonly pre?: string;
  readonly init: string;
  readonly backup: string;
  readonly restore: string;
  readonly check: string;
}

const OPENSSL = 'openssl enc -aes-256-ctr -pbkdf2 -pass "file:$PW"';

function restic(name: string, repository: string, options = ""): Tool {
  return {
    name,
    programs: ["restic"],
    pre: `export RESTIC_REPOSITORY=${repository} RESTIC_PASSWORD_FILE="$PW" RESTIC_CACHE_DIR="$STATE/cache"; `,
    init: "restic init",
    backup: `cd "$SRC" && restic backup --quiet ${options} .`,
    restore: 'restic restore --quiet latest --target "$DST"',
    check: "restic check --quiet --read-data",
  };
}

/** With BLAKE3, pieces of one size and s2, its fastest settings; they store a third more than the others do. */
function kopia(name: string, place: string): Tool {
  const create = `kopia repository create ${place} --block-hash=BLAKE3-256 --object-splitter=FIXED-4M`;
  return {
    name,
    programs: ["kopia"],
    pre:
      'export KOPIA_PASSWORD="$(cat "$PW")" KOPIA_CONFIG_PATH="$STATE/kopia.config" KOPIA_LOG_DIR="$STATE/log" ' +
      'KOPIA_CACHE_DIRECTORY="$STATE/cache" KOPIA_CHECK_FOR_UPDATES=false; ',
    init: `${create} && kopia policy set --global --compression=s2-default`,
    backup: 'kopia snapshot create --no-progress --parallel=4 "$SRC"',
    restore: 'kopia restore --no-progress --snapshot-time=latest "$SRC" "$DST"',
    check: "kopia snapshot verify --verify-files-percent=100",
  };
}

function rustic(name: string, repository: string, s3 = ""): Tool {
  return {
    name,
    programs: ["rustic"],
    pre:
      `export RUSTIC_REPOSITORY=${repository} RUSTIC_PASSWORD_FILE="$PW" RUSTIC_CACHE_DIR="$STATE/cache" ` +
      `RUSTIC_NO_PROGRESS=true HOME="$STATE" ${s3}; `,
    init: "rustic init --set-compression=1 --set-datapack-size=64MiB",
    backup: 'cd "$SRC" && rustic backup .',
    restore: 'rustic restore latest "$DST"',
    check: "rustic check --read-data",
  };
}

const bupstash: Tool = {
  name: "bupstash",
  programs: ["bupstash"],
  pre: 'export BUPSTASH_REPOSITORY="$REPO" BUPSTASH_KEY="$STATE/key" HOME="$STATE"; ',
  init: 'bupstash init && bupstash new-key -o "$BUPSTASH_KEY"',
  backup: 'bupstash put -q --compression zstd:1 --send-log "$STATE/log" tag="$TAG" "$SRC" > "$STATE/id"',
  restore: 'bupstash restore -q --into "$DST" id="$(cat "$STATE/id")"',
  check: 'bupstash get -q id="$(cat "$STATE/id")" > /dev/null',
};

const borg: Tool = {
  name: "borg",
  programs: ["borg"],
  pre: 'export BORG_REPO="$REPO" BORG_BASE_DIR="$STATE" BORG_PASSCOMMAND="cat $PW"; ',
  init: "borg init --encryption=repokey-blake2",
  backup: 'cd "$SRC" && borg create --compression zstd,1 "::$TAG" .',
  restore: 'cd "$DST" && borg extract ::same',
  check: "borg check --verify-data",
};

const tar: Tool = {
  name: "tar-zstd-openssl",
  programs: ["tar", "zstd", "openssl"],
  init: 'mkdir -p "$REPO"',
  backup: `tar -C "$SRC" -cf - . | zstd -q -1 -T2 | ${OPENSSL} > "$REPO/latest"`,
  restore: `${OPENSSL} -d < "$REPO/latest" | zstd -dq | tar -C "$DST" -xf -`,
  check: `${OPENSSL} -d < "$REPO/latest" | zstd -dq | tar -tf - > /dev/null`,
};

const KOPIA_S3 =
  's3 --bucket="$S3_BUCKET" --prefix="$PREFIX/" --endpoint="$(sed s,http://,, <<< "$S3_ENDPOINT")" --disable-tls ' +
  '--access-key="$AWS_ACCESS_KEY_ID" --secret-access-key="$AWS_SECRET_ACCESS_KEY"';
const RUSTIC_S3 =
  'OPENDAL_BUCKET="$S3_BUCKET" OPENDAL_ROOT="/$PREFIX" OPENDAL_ENDPOINT="$S3_ENDPOINT" OPENDAL_REGION=us-east-1 ' +
  'OPENDAL_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" OPENDAL_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY"';

/** Ours as any harness of this kind can run it, from driver.json, and beside it what others use. */
export const TOOLS: readonly Tool[] = [
  ...ours.map((driver) => ({ programs: ["coldkeep"], ...driver })),
  restic("restic", '"$REPO"'),
  restic("restic-fast", '"$REPO"', "--pack-size 64 --read-concurrency 4 --compression fastest"),
  kopia("kopia-fast", 'filesystem --path="$REPO"'),
  rustic("rustic-fast", '"$REPO"'),
  bupstash,
  borg,
  tar,
  { ...restic("restic-s3", '"s3:$S3_ENDPOINT/$S3_BUCKET/$PREFIX"', "--pack-size 64"), s3: true },
  { ...kopia("kopia-fast-s3", KOPIA_S3), s3: true },
  { ...rustic("rustic-fast-s3", "opendal:s3", RUSTIC_S3), s3: true },
];
