/** What a configuration says before its nodes: vault and state below `home`, and a key. */
export function configHead(home: string, key = "0x000102030405060708090a0b0c0d0e0f"): string {
  return `version: 1
vault: file://${home}/vault
vault_id: AAAAAAAAAAAAAAAAAAAAAA
state_dir: ${home}/state
encrypt_key: "${key}"
`;
}
