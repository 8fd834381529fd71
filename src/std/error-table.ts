// The one table of errors: code → kind, message, what to do. A test holds docs/ERRORS.md against it.
// Codes are kebab-case, grouped by the room that raises them, and never renamed once released.

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
    advice: 'Use the partition count and clean-up of the existing topic, or another application id.',
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
  'log-locked': {
    kind: 'operator',
    message: 'another OS process has the directory open',
    advice: 'Stop that process, or use another directory.',
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
  // store
  'store-closed': {
    kind: 'transient',
    message: 'the store is closed',
    advice: 'The service is stopping; open the store again.',
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
    advice: 'Produce records with the schemas of this version; the record went to the dead letters.',
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
    advice: "Set the Network tag to this network's id (GET /healthz shows it) and sign again.",
  },
  'generation-mismatch': {
    kind: 'input',
    message: 'the message is for another generation of the network',
    advice: "Set the Generation tag to the network's and sign again.",
  },
  'target-missing': {
    kind: 'input',
    message: 'the message must name a target, and a spawn must not',
    advice: 'Set the target to a process id, or the tag Type to Process.',
  },
  'hops-exceeded': {
    kind: 'input',
    message: 'more hops are asked for than the network allows',
    advice: 'Lower the Hops tag and sign again.',
  },
  'count-exceeded': {
    kind: 'input',
    message: 'more messages are asked for than the network allows',
    advice: 'Lower the Count tag and sign again.',
  },
  'expired': {
    kind: 'input',
    message: 'the message expired before it was ordered',
    advice: 'Sign it again with a later Expires.',
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
    advice: 'Sign the first message with more Hops, or break the chain.',
  },
  'count-exhausted': {
    kind: 'contract',
    message: 'the messages that may be caused are used up',
    advice: 'Sign the first message with a higher Count, or send fewer messages.',
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
    advice: 'Send JSON {"source": script text, "state": object}.',
  },
  'spawn-repeated': {
    kind: 'contract',
    message: 'the process was spawned before',
    advice: 'Nothing needs doing.',
  },
  'module-too-large': {
    kind: 'contract',
    message: 'the source of the contract is too large',
    advice: 'Bundle less.',
  },
} as const satisfies Record<string, ErrorRow>
