import * as z from "zod";
import { absolute, object, oneOf, text } from "./schema-parts.ts";

const RUN = "where ovnnb_db.sock, ovnnb_db.ctl, ovnsb_db.sock and ovnsb_db.ctl lie there";
const LOG = "the log there that is read for record errors";
const folders = {
  run: absolute(RUN).default("/var/run/ovn"),
  log: absolute(LOG).default("/var/log/ovn/ovn-northd.log"),
};

const name = (what: string) => text(`${what} of letters, digits and . _ - : =`, /^[A-Za-z0-9][\w.:=-]{0,252}$/, what);
const words = "a list of words, such as [ssh, root@10.0.0.2]";

const script = (description: string) => text("a text for its shell", /[^\s]/, description);

const member = object(
  {
    name: name("what it is called: its address"),
    shell: z
      .array(z.string({ error: words }).min(1, { error: words }), { error: words })
      .min(1, { error: words })
      .optional()
      .meta({ description: "what a text for its shell is handed to as the last word; default: this host's shell" }),
    data: absolute("the folder of its databases").default("/etc/origin/ovn"),
    ...folders,
    stop: script("stops the servers of both databases; stopping stopped ones is no error"),
    start: script("starts them, and lets one without a file join the others"),
  },
  "a host with the databases",
);

const kubernetes = object(
  {
    namespace: name("the namespace").default("kube-system"),
    deployment: name("the deployment of the databases").default("ovn-central"),
    agents: name("a label of the pods, one a host, that see the databases while it is at 0").default("app=ovs"),
    context: name("a context of the kubeconfig").optional(),
    kubeconfig: absolute("the kubeconfig").optional(),
    data: absolute("the folder of the databases, as these pods see it").default("/etc/ovn"),
    ...folders,
  },
  "Kube-OVN's databases, reached by kubectl",
);

/** Of a node of profile `ovn`. */
export const ovn = object(
  {
    capture: oneOf(
      ["cold", "online"],
      "how a backup takes the databases: cold stops the server; online asks it for them by `ovsdb-client backup`, and it stays up",
    ).default("cold"),
    members: z
      .array(member, { error: "a list of hosts" })
      .min(1, { error: "at least one host" })
      .optional()
      .meta({ description: "all hosts with the databases, in the order of NODE_IPS; default: this host alone" }),
    kubernetes: kubernetes.optional(),
    ...folders,
  },
  "how OVN's databases are reached, and captured",
).refine(({ members, kubernetes: kube }) => members === undefined || kube === undefined, {
  error: "members or kubernetes, not both",
});
