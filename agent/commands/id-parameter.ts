/** The one snapshot that a command is about. */
export const ID_PARAMETER = {
  kind: "tuple",
  parameters: [{ parse: String, placeholder: "id", brief: "Id of the snapshot, its beginning, or latest" }],
} as const;
