// The one table of errors: code → kind, message, what to do. A test holds docs/ERRORS.md against
// it. Codes are kebab-case, grouped by the room that raises them, and never renamed once released.

import type { ErrorRow } from './errors.ts'

export const ERROR_TABLE = {
  // std
  'queue-full': {
    kind: 'capacity',
    message: 'the queue is full',
    advice: 'Wait and send again; nothing of the refused request was kept.',
  },
  'queue-closed': {
    kind: 'transient',
    message: 'the queue is closed',
    advice: 'The service is stopping; send again to another node or later.',
  },
  // log
  'log-append-refused': {
    kind: 'transient',
    message: 'the append was refused and wrote nothing',
    advice: 'Append again.',
  },
  'log-append-unclear': {
    kind: 'transient',
    message: 'the append may or may not have been written',
    advice: 'Read the log to find out before appending again.',
  },
  'client-properties-invalid': {
    kind: 'input',
    message: 'the client properties cannot be used',
    advice: "Correct the named line: keys and values are those of Kafka's own clients.",
  },
  'log-closed': {
    kind: 'transient',
    message: 'the log is closed',
    advice: 'The service is stopping; open the log again.',
  },
  'log-topic-unknown': {
    kind: 'operator',
    message: 'the topic or partition does not exist',
    advice: 'Provision the topics first, and check the application id and the partition count.',
  },
  'log-topic-mismatch': {
    kind: 'operator',
    message: 'an existing topic differs from what is asked for',
    advice:
      'Use the partition count and clean-up of the existing topic, or another application id.',
  },
  'log-name-invalid': {
    kind: 'input',
    message: 'the name of a topic or group is not valid',
    advice: 'Use 1 to 249 characters out of letters, digits, dot, underscore and hyphen.',
  },
  'log-limit-exceeded': {
    kind: 'capacity',
    message: 'a limit on topics or partitions is exceeded',
    advice: 'Raise the named limit when opening the log, or use fewer.',
  },
  'log-record-too-large': {
    kind: 'input',
    message: 'the record is too large',
    advice: 'Send less in one record, or raise recordBytesMax when opening the log.',
  },
  'log-batch-too-large': {
    kind: 'input',
    message: 'the batch has too many records or bytes',
    advice: 'Append in smaller batches.',
  },
  'log-record-invalid': {
    kind: 'bug',
    message: 'the batch is empty, or a record of a compacted topic has no key',
    advice: 'Append at least one record; give records of compacted topics a key.',
  },
  'log-not-trimmable': {
    kind: 'operator',
    message: 'a compacted topic cannot be trimmed',
    advice: 'Delete its keys with tombstones instead.',
  },
  'log-write-failed': {
    kind: 'operator',
    message: 'writing to the data file failed',
    advice: 'Look at the disk: full, read-only or broken. Nothing that was acknowledged is lost.',
  },
  'log-position-out-of-range': {
    kind: 'operator',
    message: 'the position is outside what the log retains',
    advice: 'Do not reset it blindly: find out why the log is shorter or was trimmed (runbook).',
  },
  'log-group-mismatch': {
    kind: 'operator',
    message: 'members of one group ask for different topics, or topics differ in partitions',
    advice: 'Give every member of the group the same co-partitioned topics.',
  },
  'log-not-authorized': {
    kind: 'operator',
    message: 'the broker does not allow this',
    advice: 'Give the principal the ACLs of its role, then start it again.',
  },
  'log-not-authenticated': {
    kind: 'operator',
    message: 'a broker and this program do not trust one another',
    advice:
      'Check security.protocol, sasl.* and ssl.* of --command-config against the listener of the ' +
      'brokers; then start it again.',
  },
  'log-unreachable': {
    kind: 'transient',
    message: 'no broker answered in time',
    advice: 'Check --bootstrap-server, the network, and that the brokers run; then try again.',
  },
  'log-topic-unsafe': {
    kind: 'operator',
    message: 'a topic is set up so that records could be lost or not fit',
    advice: 'Run the command that the text names, then start again.',
  },
  'log-batch-undecodable': {
    kind: 'operator',
    message: 'a batch of a topic cannot be decoded',
    advice: 'Set compression.type=uncompressed on the topic; produce with magic 2 batches.',
  },
  'bootstrap-servers-invalid': {
    kind: 'input',
    message: 'the list of brokers is not valid',
    advice: 'Write --bootstrap-server as host:port, several separated by commas.',
  },
  'log-locked': {
    kind: 'operator',
    message: 'another OS process has the directory open',
    advice: 'Stop that process, or use another directory.',
  },
  'log-absent': {
    kind: 'input',
    message: 'there is no embedded log in the directory',
    advice: 'Name the --data directory of `hb start`, or the brokers with --bootstrap-server.',
  },
  'log-read-only': {
    kind: 'bug',
    message: 'the log was opened to be read only',
    advice: 'Report it: what replays must write nothing.',
  },
  'log-file-foreign': {
    kind: 'operator',
    message: 'the directory holds something else than this kind of data',
    advice: 'Point to another directory; nothing was changed in this one.',
  },
  'log-file-corrupt': {
    kind: 'operator',
    message: 'the data file is damaged or incomplete',
    advice: 'Restore it from a copy or an archive; do not delete it before.',
  },
  'log-format-unsupported': {
    kind: 'operator',
    message: 'the data was written in a format that this version does not know',
    advice: 'Use the version that wrote it, or a newer one.',
  },
  // archive
  'bundle-malformed': {
    kind: 'input',
    message: 'the bytes are not a bundle of data items',
    advice: 'Encode it as ANS-104 prescribes; where it was read from an archive, take another copy.',
  },
  'archive-absent': {
    kind: 'input',
    message: 'there is no archive, or nothing of this network in it',
    advice: 'Check --from and --network: `hb archive ls` shows what an archive holds.',
  },
  'archive-item-altered': {
    kind: 'operator',
    message: 'an item of the archive is torn or not what was written',
    advice: 'Put a whole copy in its place (the text names it), or move it away.',
  },
  'archive-segment-missing': {
    kind: 'operator',
    message: 'heights are missing in the archive',
    advice: 'Find the named heights in another copy of the archive; nothing behind them was written.',
  },
  'archive-segment-doubled': {
    kind: 'operator',
    message: 'two segments of the archive say different things of the same heights',
    advice: 'Name the signer that you trust with --owner, or move the wrong one away.',
  },
  'archive-segment-altered': {
    kind: 'operator',
    message: 'a segment of the archive is not what its heights, hashes and root say',
    advice: 'Put a whole copy in its place; nothing of it or behind it was written.',
  },
  'archive-segment-foreign': {
    kind: 'operator',
    message: 'a segment of the archive does not belong where it stands',
    advice: 'Name the signer that you trust with --owner, or move the named segment away.',
  },
  'archive-format-unsupported': {
    kind: 'operator',
    message: 'a segment was written in a format that this version does not know',
    advice: 'Use the version that wrote it, or a newer one.',
  },
  'archive-read-only': {
    kind: 'bug',
    message: 'the archive was opened without a wallet, and nothing can be signed',
    advice: 'Report it: whoever only reads must write nothing.',
  },
  'archive-write-failed': {
    kind: 'transient',
    message: 'writing to the archive failed',
    advice: 'Look at its disk: full, read-only or gone. It is tried again; nothing is lost meanwhile.',
  },
  'archive-gateway-failed': {
    kind: 'transient',
    message: 'the Arweave gateway does not answer, or not as it must',
    advice: 'Wait, or name another gateway; the sink tries again by itself, and nothing is lost.',
  },
  'archive-post-refused': {
    kind: 'transient',
    message: 'the Arweave gateway refused a transaction',
    advice: 'The text says why: often its price or the balance. It is posted again, then renewed.',
  },
  'archive-fee-high': {
    kind: 'transient',
    message: 'the Arweave gateway asks for more than a transaction may cost',
    advice: 'Compare with another gateway, or wait. It is asked again; nothing was posted.',
  },
  'archive-balance-low': {
    kind: 'transient',
    message: 'the wallet cannot pay for the transaction',
    advice: 'Send AR to the named address; it is tried again, and nothing is lost meanwhile.',
  },
  'archive-item-too-large': {
    kind: 'operator',
    message: 'a transaction is over the limit of the archive',
    advice: 'Lower segment.bytes.max of the sink, or raise transactionBytesMax of whoever reads it.',
  },
  'archive-wallet-refused': {
    kind: 'operator',
    message: 'the wallet cannot sign this transaction',
    advice: 'Use the RSA 4096 wallet of the sink (`hb keys generate --type rsa` makes one).',
  },
  'archive-behind': {
    kind: 'operator',
    message: 'the log begins behind what the archive ends with',
    advice: 'What is between is in neither: find the archive that holds it (runbook).',
  },
  'archive-diverged': {
    kind: 'operator',
    message: 'the log does not hold what the archive ends with',
    advice: 'It is another log, or was cut back: restore it, or archive it under a new generation.',
  },
  'connector-config-invalid': {
    kind: 'input',
    message: 'the configuration of a connector cannot be used',
    advice: 'Correct what is named; connectors/arweave-sink/CONFIG.md has every key and its range.',
  },
  'log-record-poison': {
    kind: 'operator',
    message: 'a record of the log is no entry, and errors.tolerance is none',
    advice:
      'Find out who writes to the log; errors.tolerance=all passes over it, as every reader does.',
  },
  'restore-target-differs': {
    kind: 'operator',
    message: 'where it is restored to, there is another log already',
    advice: 'Restore into an empty directory or another application id, while no node runs on it.',
  },
  'trim-snapshot-missing': {
    kind: 'operator',
    message: 'no snapshot that checks stands where the log would begin',
    advice: 'Name an earlier interval; a DRE records states at the end of each.',
  },
  'trim-snapshot-differs': {
    kind: 'operator',
    message: 'a snapshot holds another state than the log gives',
    advice: 'Delete nothing: the log is right. Keep both and report it.',
  },
  'trim-archive-behind': {
    kind: 'operator',
    message: 'the archive does not have all that would be deleted',
    advice: 'Wait until the sink has written it (hb archive ls), or name an earlier interval.',
  },
  'trim-archive-differs': {
    kind: 'operator',
    message: 'the archive holds another history than the log',
    advice: 'Delete nothing: name the archive of this network, or its signer with --owner.',
  },
  'trim-reader-behind': {
    kind: 'operator',
    message: 'a group has not read all that would be deleted',
    advice: 'Start its members and let them catch up, or name an earlier interval.',
  },
  'height-trimmed': {
    kind: 'input',
    message: 'the log does not have this height any more',
    advice: 'Read from the height that is named; what was before is in the archive (hb restore).',
  },
  'log-partial': {
    kind: 'operator',
    message: 'the directory holds a part of a log, to be looked at: no node may go on from it',
    advice: 'Use hb replay and hb state on it; for a node, run hb restore without that choice.',
  },
  'restore-inconsistent': {
    kind: 'operator',
    message: 'partitions of the archive hold what others that lost their end have sent',
    advice: 'Begin a new generation with --new-generation; to only look, --to-height or --process.',
  },
  'restore-target-used': {
    kind: 'operator',
    message: 'where a new generation is to begin, records of an earlier one are left',
    advice: 'Restore into an empty directory or another application id: nothing of old may be mixed in.',
  },
  'generation-unknown': {
    kind: 'operator',
    message: 'the log goes on in a generation that the genesis at hand does not name',
    advice: 'Start with the genesis of that generation, on an empty --data.',
  },
  'generation-cut-missing': {
    kind: 'operator',
    message: 'the log does not reach the cut that its generation begins behind',
    advice: 'The restore was not finished: run the same `hb restore` again, then start nodes.',
  },
  'archive-generation-doubled': {
    kind: 'operator',
    message: 'the archive has two different beginnings of one generation',
    advice: 'Name the signer that you trust with --owner.',
  },
  // store
  'store-closed': {
    kind: 'transient',
    message: 'the store is closed',
    advice: 'The service is stopping; open the store again.',
  },
  'store-locked': {
    kind: 'operator',
    message: 'another OS process has the store open',
    advice: 'Stop that process, or use another directory.',
  },
  'store-file-corrupt': {
    kind: 'operator',
    message: 'the store file is damaged or not a store',
    advice: 'Delete the directory if the log can rebuild it; else restore it from a copy.',
  },
  'store-key-invalid': {
    kind: 'bug',
    message: 'a key is empty or longer than the store allows',
    advice: 'Use keys of 1 to 1,900 bytes of UTF-8.',
  },
  // protocol: data items, JSON; client: wallets; verifier
  'item-malformed': {
    kind: 'input',
    message: 'the bytes are not a data item',
    advice: 'Encode it as ANS-104 prescribes, within its limits, and sign it again.',
  },
  'signature-type-unsupported': {
    kind: 'input',
    message: 'this signature type is not accepted',
    advice: 'Sign with an Arweave RSA wallet (type 1) or an Ed25519 key (type 2).',
  },
  'owner-key-refused': {
    kind: 'input',
    message: 'the public key is not one that can be trusted to sign',
    advice: 'Make a new wallet with `hb keys`; this key is weak or has another encoding.',
  },
  'signature-invalid': {
    kind: 'input',
    message: 'the signature does not hold',
    advice: 'Sign the item again with the key of its owner and send it unchanged.',
  },
  'json-malformed': {
    kind: 'input',
    message: 'the text is not strict JSON',
    advice: 'Send JSON that every parser reads alike: see the text for what was found.',
  },
  'json-too-large': {
    kind: 'input',
    message: 'the JSON is larger than its limit',
    advice: 'Send less in one message.',
  },
  'json-too-deep': {
    kind: 'input',
    message: 'the JSON is nested deeper than its limit',
    advice: 'Send flatter data.',
  },
  'wallet-malformed': {
    kind: 'input',
    message: 'this is not a wallet file',
    advice: 'Use the JWK of an Arweave wallet (RSA 4096) or of an Ed25519 key.',
  },
  'wallet-exists': {
    kind: 'input',
    message: 'there is already a file, and a wallet is never overwritten',
    advice: 'Choose another path, or move the file away.',
  },
  'verifier-worker-died': {
    kind: 'bug',
    message: 'a verifier thread died twice on this item, or could not start',
    advice: 'Report it with the item; the other items of the batch were judged.',
  },
  // protocol: records, genesis, messages, outbox, transition
  'record-malformed': {
    kind: 'input',
    message: 'the record is not what its topic holds',
    advice:
      'Produce records with the schemas of this version; the record went to the dead letters.',
  },
  'genesis-malformed': {
    kind: 'operator',
    message: 'the genesis document is not valid',
    advice: 'Mend what is named, or make a new one with `hb demo` or `makeGenesis`.',
  },
  'message-too-large': {
    kind: 'input',
    message: 'the message is too large',
    advice: 'Send less data in one message.',
  },
  'tags-too-many': {
    kind: 'input',
    message: 'the message has too many tags',
    advice: 'Use fewer tags, or put them into the data.',
  },
  'tags-too-large': {
    kind: 'input',
    message: 'the tags are too large',
    advice: 'Use shorter tags, or put them into the data.',
  },
  'tag-malformed': {
    kind: 'input',
    message: 'a tag that the network reads is malformed',
    advice: 'Correct the named tag and sign again.',
  },
  'network-mismatch': {
    kind: 'input',
    message: 'the message is for another network',
    advice: "Set the HB-Network tag to this network's id (GET /healthz shows it) and sign again.",
  },
  'generation-mismatch': {
    kind: 'input',
    message: 'the message is for another generation of the network',
    advice: "Set the HB-Generation tag to the network's and sign again.",
  },
  'target-missing': {
    kind: 'input',
    message: 'the message must name a target, and a spawn must not',
    advice: 'Set the target to a process id, or the tag HB-Type to Process.',
  },
  'hops-exceeded': {
    kind: 'input',
    message: 'more hops are asked for than the network allows',
    advice: 'Lower the HB-Hops tag and sign again.',
  },
  'count-exceeded': {
    kind: 'input',
    message: 'more messages are asked for than the network allows',
    advice: 'Lower the HB-Count tag and sign again.',
  },
  expired: {
    kind: 'input',
    message: 'the message expired before it was ordered',
    advice: 'Sign it again with a later HB-Expires.',
  },
  'outbox-malformed': {
    kind: 'contract',
    message: 'an outbox message is malformed',
    advice: 'Return messages as {target, tags, data, kind}; the path names the fault.',
  },
  'outbox-too-many': {
    kind: 'contract',
    message: 'the outbox has too many messages',
    advice: 'Send fewer messages per handled message.',
  },
  'outbox-too-large': {
    kind: 'contract',
    message: 'the outbox or one of its messages is too large',
    advice: 'Send less data.',
  },
  'hops-exhausted': {
    kind: 'contract',
    message: 'no hops are left to send a message',
    advice: 'Sign the first message with more HB-Hops, or break the chain.',
  },
  'count-exhausted': {
    kind: 'contract',
    message: 'the messages that may be caused are used up',
    advice: 'Sign the first message with a higher HB-Count, or send fewer messages.',
  },
  'budget-exceeded': {
    kind: 'contract',
    message: 'more budget is given on than is left',
    advice: 'Give on at most what the action had.',
  },
  'process-not-found': {
    kind: 'contract',
    message: 'there is no such process',
    advice: 'Check the id; a process exists from its spawn on.',
  },
  'process-failed': {
    kind: 'contract',
    message: 'the spawn of this process failed',
    advice: 'Look at the result of its slot 0, mend the contract and spawn it again.',
  },
  'spawn-malformed': {
    kind: 'contract',
    message: 'the data of the spawn is malformed',
    advice:
      'Send JSON {"source": script text, "state": object, "engine": "quickjs" or "smartweave"}; the ' +
      'engine is quickjs where absent.',
  },
  'spawn-repeated': {
    kind: 'contract',
    message: 'the process was spawned before',
    advice: 'Nothing needs doing.',
  },
  'upgrade-malformed': {
    kind: 'contract',
    message: 'the data of the upgrade is malformed',
    advice:
      'Send {"source": script text} or {"module": its hash}; "engine": "smartweave" where the process ' +
      'runs on that: an upgrade does not change the engine.',
  },
  'upgrade-foreign': {
    kind: 'contract',
    message: 'an upgrade that the process did not send itself',
    advice:
      'Send the process the action by which its contract upgrades, `Upgrade` with the HB lib: its own ' +
      'code decides who may.',
  },
  'upgrade-not-sent': {
    kind: 'contract',
    message: 'the process took the message, and sent itself no upgrade',
    advice:
      'Spread `upgradable()` of the HB lib into the actions of its contract; where that upgrades on ' +
      'other messages, use `hb send`.',
  },
  'module-unknown': {
    kind: 'contract',
    message: 'no module of this hash is known in the partition that names it',
    advice: 'Send its source once, in a spawn in that partition; from then on its hash will do.',
  },
  'module-too-large': {
    kind: 'contract',
    message: 'the source of the contract is too large',
    advice: 'Bundle less.',
  },
  // roles
  'schema-unknown': {
    kind: 'operator',
    message: 'a record has a schema that this version does not know',
    advice: 'Use the version that wrote it, or a newer one; nothing was skipped.',
  },
  'writer-schema-unusable': {
    kind: 'input',
    message: 'the schema that a record of ingress names cannot be used',
    advice: 'Register the schema; it must resolve to schemas/ingress.avsc. Then produce it again.',
  },
  'schema-registry-unreachable': {
    kind: 'transient',
    message: 'the schema registry does not answer',
    advice: 'Check its address and that it runs; what waits for it goes on when it answers.',
  },
  'schema-registry-refused': {
    kind: 'operator',
    message: 'the schema registry refused the request',
    advice: 'Read its text: credentials, compatibility, or an address that is no registry.',
  },
  'own-entry-refused': {
    kind: 'bug',
    message: 'an entry made here does not extend the chain',
    advice: 'The partition is halted; report it with the log around this height.',
  },
  'partition-lost': {
    kind: 'transient',
    message: 'the partition is not owned any more',
    advice: 'Another member has it; nothing needs doing.',
  },
  'log-diverged': {
    kind: 'operator',
    message: 'the log is not the one that was read before',
    advice: 'Find out why it is shorter or differs (runbook); never reset the position.',
  },
  'position-skips': {
    kind: 'operator',
    message: "the group's position lies beyond messages that were acknowledged and not ordered",
    advice:
      'Somebody moved it forwards. Stop the nodes, run the command that the text names, start ' +
      'again: nothing is lost.',
  },
  'clock-skew': {
    kind: 'operator',
    message: "the machine's clock is too far off the log's",
    advice: 'Set the clock (NTP) and start again.',
  },
  // node: HTTP
  'body-too-large': {
    kind: 'input',
    message: 'the body of the request is too large',
    advice: 'Send less in one request: GET /network shows the limits.',
  },
  'body-malformed': {
    kind: 'input',
    message: 'the request or its body is malformed or incomplete',
    advice: 'Send the request again, whole.',
  },
  'media-type-unsupported': {
    kind: 'input',
    message: 'the body is not of the type that is read here',
    advice: 'Send signed data items as they are, with Content-Type: application/octet-stream.',
  },
  'batch-malformed': {
    kind: 'input',
    message: 'the body is not a batch',
    advice:
      'Send for each item its length (4 bytes, big-endian) and then the item, one or more times.',
  },
  'batch-too-many': {
    kind: 'input',
    message: 'the batch has too many items',
    advice: 'Send fewer items in one request: GET /network shows the limits.',
  },
  'query-invalid': {
    kind: 'input',
    message: 'a parameter of the request is not valid',
    advice: 'Correct the named parameter.',
  },
  'id-malformed': {
    kind: 'input',
    message: 'this is not an id',
    advice: 'An id is 43 characters of base64url, as a node shows it.',
  },
  'message-unknown': {
    kind: 'input',
    message: 'the node has never heard of this message',
    advice: 'Check the id; a message is known once a node answered 202 for it.',
  },
  'partition-unknown': {
    kind: 'input',
    message: 'the network has no such partition',
    advice: 'Partitions are numbered from 0: GET /network shows how many there are.',
  },
  'method-unknown': {
    kind: 'input',
    message: 'the address does not take this method',
    advice: 'Use one of those that are named.',
  },
  'route-unknown': {
    kind: 'input',
    message: 'there is nothing at this address',
    advice: 'Check method and path.',
  },
  'request-too-slow': {
    kind: 'input',
    message: 'the request did not arrive in time',
    advice: 'Send it again over a faster connection, or send less at once.',
  },
  'http-busy': {
    kind: 'capacity',
    message: 'too many bytes are being received at once',
    advice: 'Wait and send again; nothing of the refused request was kept.',
  },
  'waits-too-many': {
    kind: 'capacity',
    message: 'too many requests are waiting for results',
    advice:
      'Send without wait and ask for the message later; nothing of the refused request was kept.',
  },
  'streams-too-many': {
    kind: 'capacity',
    message: 'too many readers follow the log of this node',
    advice: 'Close a stream, or read from another node.',
  },
  'stream-stalled': {
    kind: 'capacity',
    message: 'the reader of a stream took nothing for too long',
    advice: 'Read faster, and resume with Last-Event-ID.',
  },
  'process-unserved': {
    kind: 'transient',
    message: 'no node serves this partition now',
    advice: 'Ask again in a moment: it moves to another node, or its state is being loaded.',
  },
  'peer-unreachable': {
    kind: 'transient',
    message: 'another node that is needed for the answer did not give its part',
    advice: 'Ask again in a moment; if it lasts, look at the node that is named.',
  },
  'node-starting': {
    kind: 'transient',
    message: 'the node is starting',
    advice: 'Send again in a moment, or to another node.',
  },
  'node-stopping': {
    kind: 'transient',
    message: 'the node is stopping',
    advice: 'Send again to another node or later.',
  },
  'listen-failed': {
    kind: 'operator',
    message: 'the HTTP address cannot be used',
    advice: 'Choose another --port or --host, or stop what uses it.',
  },
  'internal-error': {
    kind: 'bug',
    message: 'the node failed in a way that was not foreseen',
    advice: "Report it with the node's log; sending the same signed bytes again is safe.",
  },
  // client, command line
  'node-unreachable': {
    kind: 'transient',
    message: 'the node cannot be reached',
    advice: 'Check that it runs (`hb start`) and its address (--url or HB_URL).',
  },
  'node-too-slow': {
    kind: 'transient',
    message: 'the node did not answer in time',
    advice: 'Ask again; sending the same signed bytes again is safe.',
  },
  'node-error': {
    kind: 'transient',
    message: 'the node answered with an error that this version does not know',
    advice: 'Read its text; a newer version may know it.',
  },
  'response-malformed': {
    kind: 'bug',
    message: 'what answered does not speak as a node does',
    advice: 'Check that the address is that of a node, and of a version that fits.',
  },
  'genesis-mismatch': {
    kind: 'operator',
    message: 'the directory or the topics are those of another network',
    advice:
      'Use another --data directory or --application-id, or start without a genesis of your own.',
  },
  'node-running': {
    kind: 'input',
    message: 'a node runs on the directory, and its caches are its own',
    advice: 'Stop it first (SIGTERM; it finishes what is under way), then run the command again.',
  },
  'network-unknown': {
    kind: 'input',
    message: 'nothing says what network this is',
    advice: 'Check --data, or --bootstrap-server and --application-id: a node must have started there.',
  },
  'dry-run-malformed': {
    kind: 'input',
    message: 'what is to be tried is not a message',
    advice: 'Correct the named field; the caller is always needed.',
  },
  'dry-runs-too-many': {
    kind: 'capacity',
    message: 'too many dry runs are under way on this node',
    advice: 'Try again later; a dry run that was refused did nothing.',
  },
  'state-not-kept': {
    kind: 'input',
    message: 'the node no longer has the state of that slot',
    advice: 'Use `hb dry-run --at-slot`, which finds the state by replay of the log.',
  },
  'state-unknown': {
    kind: 'input',
    message: 'there was no such state',
    advice: 'Ask for a slot, height or time that the log reaches, not before the spawn.',
  },
  interrupted: {
    kind: 'input',
    message: 'it was ended before it was done',
    advice: 'Run it again; what only replays has changed nothing.',
  },
  usage: {
    kind: 'input',
    message: 'the command is not used as it should be',
    advice: 'See `hb help` and `hb help <command>`.',
  },
  'file-unreadable': {
    kind: 'input',
    message: 'a file cannot be read or written',
    advice: 'Check its path and permissions.',
  },
  'folder-not-empty': {
    kind: 'input',
    message: 'there are files in the folder, and none is written over',
    advice: 'Choose another name or --dir.',
  },
  // testing
  'test-options-invalid': {
    kind: 'input',
    message: 'the test network cannot be set up or told that',
    advice: 'Correct what the text names; docs/guides/testing-contracts.md has the options.',
  },
  'test-name-unknown': {
    kind: 'input',
    message: 'no wallet or contract of the test network has this name',
    advice: 'Name it in startNetwork({wallets, contracts}), or give its id.',
  },
  'test-clock-real': {
    kind: 'input',
    message: 'on Kafka the time of a test network cannot be set or advanced',
    advice: "Use log: 'memory' or 'embedded'; on Kafka the brokers' time is the network's: wait.",
  },
  'test-timeout': {
    kind: 'transient',
    message: 'what the test waits for did not happen in time',
    advice: 'Look at what the text names; where it only takes longer, give a larger timeoutMs.',
  },
  'test-contract-failed': {
    kind: 'contract',
    message: 'a contract of the test network failed when it was spawned',
    advice: 'Read the text: it is the words of the contract, or of its engine.',
  },
  'test-result-unexpected': {
    kind: 'contract',
    message: 'the result is not the one that the test demands',
    advice: 'Read the text; where either is fine, await result() and look at its status.',
  },
  'test-state-outside': {
    kind: 'input',
    message: 'the contract keeps something outside of its state, where the next message misses it',
    advice: 'Move what the module’s scope keeps into the state; found by the option `strict`.',
  },
  'test-network-halted': {
    kind: 'operator',
    message: 'a partition of the test network has halted',
    advice: "Read the text: it is the node's own error. The partition stays halted until a restart.",
  },
  'test-network-closed': {
    kind: 'input',
    message: 'the test network is closed',
    advice: 'Await everything before close(); with `await using`, before the block ends.',
  },
  // runtime: what a message's result can say
  'contract-error': {
    kind: 'contract',
    message: 'the contract threw, or returned a status other than ok',
    advice: 'Read the text: it is the words of the contract.',
  },
  'contract-exception': {
    kind: 'contract',
    message: 'the SmartWeave contract threw something other than a ContractError',
    advice:
      'Read the text: it is what was thrown, or what handle returned in place of ' +
      '{state?, result?, event?, messages?, status?}.',
  },
  'import-refused': {
    kind: 'contract',
    message: 'the process takes only the next interaction of the history that is being imported',
    advice:
      'Wait until the import has ended; who began it goes on with "hb import warp --resume <id>".',
  },
  'input-malformed': {
    kind: 'contract',
    message: 'the interaction has no input that can be read',
    advice: 'Send JSON as the data, or as the tag Input.',
  },
  'gas-exhausted': {
    kind: 'contract',
    message: 'the message used up its gas',
    advice: 'Do less in one message, or split the work over several.',
  },
  'memory-exhausted': {
    kind: 'contract',
    message: 'the message needed more memory than a sandbox may have',
    advice: 'Keep less in one message; the bound is part of the version of the engine.',
  },
  'state-not-json': {
    kind: 'contract',
    message: 'the state cannot be said in JSON',
    advice:
      'Keep only objects, lists, texts, finite numbers, booleans and null; the path is in the text.',
  },
  'state-too-large': {
    kind: 'contract',
    message: 'the state is larger than stateBytesMax',
    advice: 'Delete what is not needed, or spread it over several processes.',
  },
  'output-too-large': {
    kind: 'contract',
    message: 'the changes and messages of one result are larger than outputBytesMax',
    advice: 'Change and send less in one message.',
  },
  'stack-overflow': {
    kind: 'contract',
    message: 'the contract nested its calls too deep',
    advice: 'Replace recursion by a loop.',
  },
  'promise-unsettled': {
    kind: 'contract',
    message: 'handle returned a promise that never settled',
    advice: 'Nothing outside answers a promise in the sandbox: settle it in the same message.',
  },
  'promises-too-many': {
    kind: 'contract',
    message: 'one message ran more promise jobs than pendingPromisesMax',
    advice: 'Await less, or write the loop without promises.',
  },
  'result-malformed': {
    kind: 'contract',
    message: 'handle returned something other than {state?, messages?, status?}',
    advice: 'Return an object; messages is a list of plain objects, status a text.',
  },
  'module-invalid': {
    kind: 'contract',
    message:
      'the module is no body of a strict function (module, exports) that leaves exports.handle',
    advice: 'Bundle the contract with `hb spawn`, or read the text for the place.',
  },
  // runtime: this node
  'engine-unknown': {
    kind: 'bug',
    message: 'the sandbox engine is not the one that genesis names',
    advice: 'Install the dependencies again exactly as package-lock.json says.',
  },
  'evaluation-fault': {
    kind: 'capacity',
    message: 'an evaluation ended without a result, by a fault of this node',
    advice:
      'Open the process again and repeat; if it happens again, give the node more memory or report it.',
  },
  'evaluator-full': {
    kind: 'capacity',
    message: 'the evaluator has more commands under way than commandsPendingMax',
    advice: 'Wait for replies before sending more.',
  },
  'evaluator-closed': {
    kind: 'transient',
    message: 'the evaluator is closed',
    advice: 'The node is stopping; nothing was lost that the log does not hold.',
  },
  // client: bundling contracts
  'bundle-file-missing': {
    kind: 'input',
    message: 'the contract file is not there',
    advice: 'Name a TypeScript or JavaScript file that exports handle.',
  },
  'bundle-no-handle': {
    kind: 'input',
    message: 'the contract exports no handle',
    advice: 'Write `export function handle(state, action)` in the file that is named.',
  },
  'warp-file-malformed': {
    kind: 'input',
    message: 'a file of a Warp contract is not what Warp’s gateway gives',
    advice:
      'The definition is what /gateway/contract answers, the interactions are what ' +
      '/gateway/v3/interactions-sort-key answers; the place in the file is named.',
  },
  'warp-history-unsorted': {
    kind: 'input',
    message: 'the interactions are not in the order of their sort keys, each once',
    advice: 'Sort them by sortKey, and leave out those that are listed twice.',
  },
  'warp-history-unsupported': {
    kind: 'input',
    message: 'this contract’s history cannot be evaluated here',
    advice:
      'WebAssembly sources, constructors, unsafeClient, internal writes and interactions that ' +
      'Arweave dropped are not evaluated; spawn the contract with the state that Warp evaluated.',
  },
  'warp-state-differs': {
    kind: 'input',
    message: 'the evaluated history does not come to what was expected',
    advice:
      'Nothing was spawned. Ask the gateway for all interactions up to the sort key of the ' +
      'expected state; docs/guides/import-from-warp.md says what is known to differ.',
  },
  'warp-import-stopped': {
    kind: 'transient',
    message: 'the import stopped half-way: the process has not taken the whole history',
    advice: 'Give the same command again with --resume and the process’s id: it goes on from there.',
  },
  'warp-import-too-large': {
    kind: 'capacity',
    message: 'source and state do not fit into one spawn message',
    advice:
      'With --state-only: leave it out, and the history is brought in message by message; else ' +
      'use a network whose genesis allows more (messageBytesMax, moduleBytesMax).',
  },
  'warp-source-missing': {
    kind: 'input',
    message: 'the contract evolved to a source that the definition does not hold',
    advice: 'Add it to the definition: "sources": {"<its id>": "<its text>"}.',
  },
  'bundle-import-refused': {
    kind: 'input',
    message: 'the contract imports what a sandbox does not have',
    advice: 'Import only files of your own, packages without I/O, and hollowbeam/lib.',
  },
  'bundle-failed': {
    kind: 'input',
    message: 'the contract cannot be bundled',
    advice:
      'Correct what is named: syntax, an import that is not found, or await outside a function.',
  },
  'module-missing': {
    kind: 'operator',
    message: 'the source of a module is in no store, topic or log',
    advice: 'Restore the log (runbook): the source stands there, in a spawn.',
  },
  'feature-level-unknown': {
    kind: 'operator',
    message: 'the log goes on with a feature level that this build does not have',
    advice: 'Run a build that has it (`hb features describe`, runbook); nothing is lost meanwhile.',
  },
  'feature-levels-fixed': {
    kind: 'operator',
    message: 'the feature level of this network cannot be raised',
    advice: 'Its genesis names no operators: a new network may (`hb start --operator`).',
  },
  'result-mismatch': {
    kind: 'bug',
    message: 'this node computed another result than the one published',
    advice: 'The partition is halted; compare sandbox versions and report it.',
  },
  'outbox-gap': {
    kind: 'operator',
    message: 'results are missing in the outbox',
    advice: 'The DRE of this partition publishes them again when it restarts; nothing was skipped.',
  },
  'directory-not-empty': {
    kind: 'input',
    message: 'the directory is not empty',
    advice: 'Choose a new directory: a demo is a network of its own, and nothing is overwritten.',
  },
} as const satisfies Record<string, ErrorRow>
