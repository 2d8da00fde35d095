/** The one snapshot that a command is about. */
export const ID_PARAMETER = {
  kind: "tuple",
  parameters: [{ parse: String, placeholder: "id", brief: "Id of the snapshot, its beginning, or latest" }],
} as const;

/** The same where it may be left out. */
export const OPTIONAL_ID_PARAMETER = {
  kind: "tuple",
  parameters: [
    {
      parse: String,
      optional: true,
      placeholder: "id",
      brief: "Id of the snapshot, its beginning, or latest (default)",
    },
  ],
} as const;
