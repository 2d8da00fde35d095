/** Lets a user stop and start these services of systemd, and nothing else (polkit(8), org.freedesktop.systemd1). */
export function polkitRules(user: string, units: readonly string[], mark: string): string {
  return `// ${mark}
polkit.addRule(function (action, subject) {
  var units = ${JSON.stringify(units)};
  var verbs = ["start", "stop"];
  if (
    action.id === "org.freedesktop.systemd1.manage-units" &&
    subject.user === ${JSON.stringify(user)} &&
    units.indexOf(action.lookup("unit")) >= 0 &&
    verbs.indexOf(action.lookup("verb")) >= 0
  ) {
    return polkit.Result.YES;
  }
});
`;
}
