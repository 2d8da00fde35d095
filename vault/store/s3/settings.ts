/** What beside its URL tells where a vault in S3 is and how it is reached; the same names as in the configuration. */
export interface S3Settings {
  /** Default: AWS_REGION or the profile's; `us-east-1` where `endpoint` is given and nothing says otherwise. */
  readonly region?: string;
  /** URL of another server than AWS's. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS. */
  readonly endpoint?: string;
  /** The bucket's name goes into the path, not the host name. Default: where `endpoint` is given. */
  readonly pathStyle?: boolean;
  /** Section of ~/.aws/config and ~/.aws/credentials. Default: AWS_PROFILE, or the default one. */
  readonly profile?: string;
  /** File of the certificate authorities to trust, PEM, in place of the system's. Default: AWS_CA_BUNDLE. */
  readonly caBundle?: string;
  readonly dualStack?: boolean;
  readonly fips?: boolean;
}

/** Time-outs and bounds. Only tests have reason to change them. */
export interface S3Limits {
  /** Until a connection stands. Milliseconds. */
  readonly connectMs: number;
  /** Longest silence on a connection, whichever side should speak. Milliseconds. */
  readonly idleMs: number;
  /** A whole call may take `callMs`, and as long again as its bytes take at `slowest` bytes a millisecond. */
  readonly callMs: number;
  readonly slowest: number;
  /** Calls under way at once: where it begins, and between which bounds it adapts. */
  readonly calls: { readonly first: number; readonly least: number; readonly most: number };
  /** Larger objects go up in parts of `part` bytes (S3 wants 5 MiB at least). coldkeep's packs never do. */
  readonly single: number;
  readonly part: number;
}

export const S3_LIMITS: S3Limits = {
  connectMs: 10_000,
  idleMs: 30_000,
  callMs: 60_000,
  slowest: 32,
  calls: { first: 8, least: 4, most: 32 },
  single: 256 << 20,
  part: 64 << 20,
};
