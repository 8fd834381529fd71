// Prints the entries of a log, a line of JSON each, and follows it; says on stderr how many records
// were superseded. Arguments: bootstrap servers, topic, network id, schemas/entry.avsc.

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericArray;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

public class ReadLog {
  public static void main(String[] args) throws Exception {
    var format = new EntryFormat(args[2], args[3]);
    var config = Map.<String, Object>of("bootstrap.servers", args[0], "auto.offset.reset", "none");
    var log = new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    log.assign(log.partitionsFor(args[1]).stream()
        .map(found -> new TopicPartition(found.topic(), found.partition())).toList());
    log.seekToBeginning(log.assignment());
    var ends = new HashMap<Integer, Entry>(); // each partition's last entry
    var seqs = new HashMap<List<Integer>, Long>(); // the last number of each channel
    for (int superseded = 0; ; ) {
      for (var record : log.poll(Duration.ofSeconds(1))) {
        var kind = new String(record.headers().lastHeader("hb-kind").value(), UTF_8);
        if (kind.equals("claim")) continue; // a sequencer's mark, no entry
        var entry = format.decode(record);
        var last = ends.getOrDefault(record.partition(), format.genesis(record.partition()));
        var channel = List.of(entry.source(), record.partition());
        if (entry.height() == last.height() + 1
            && Arrays.equals(entry.prev(), last.hash()) && entry.timestamp() >= last.timestamp()
            && (entry.seq() == 0 || entry.seq() == seqs.getOrDefault(channel, 0L) + 1)) {
          ends.put(record.partition(), entry);
          seqs.put(channel, entry.seq());
          System.out.println(entry.json(record.partition(), record.key(), kind));
        } else {
          System.err.println("superseded: " + ++superseded);
        }
      }
    }
  }
}

/** Of a process's message, source and seq are its channel and its number there, from 1. */
record Entry(
    long height, byte[] prev, byte[] hash, long timestamp, String id, int source, long seq) {
  String json(int partition, String process, String kind) {
    return """
        {"partition":%d,"height":%d,"process":"%s","id":"%s","kind":"%s","timestamp":%d}"""
        .formatted(partition, height, process, id, kind, timestamp);
  }
}

/**
 * What ReadLog must know of a record: its fields, and what none of them says, the entry's own hash,
 * which the next one names in prev, and its message's id.
 *
 * <p>A hash is SHA-256 over a domain (its length in one byte, then it) and parts: a number in eight
 * bytes; of an array its size as a number, then its items; of a record its fields; text (UTF-8) and
 * bytes after their length in four bytes, null as no bytes. Big-endian.
 */
class EntryFormat {
  private final String network;
  private final BinaryMessageDecoder<GenericRecord> decoder;

  EntryFormat(String network, String schemaFile) throws Exception {
    this.network = network;
    var schema = new Schema.Parser().parse(new File(schemaFile));
    decoder = new BinaryMessageDecoder<>(GenericData.get(), schema);
  }

  /** What the entry of height 0 follows. */
  Entry genesis(int partition) throws Exception {
    return new Entry(-1, null, hash("hb.log-genesis.1", network, partition), 0, null, -1, 0);
  }

  /** Throws for another schema: that is for another version of this program, not to be skipped. */
  Entry decode(ConsumerRecord<String, byte[]> record) throws Exception {
    var fields = decoder.decode(record.value());
    var message = (GenericRecord) fields.get("message");
    String id = record.key();
    byte[] digest;
    int source = -1;
    long seq = 0;
    switch (message.getSchema().getName()) {
      case "Signed" -> {
        byte[] item = ((ByteBuffer) message.get("item")).array();
        int end = item[0] == 1 ? 514 : 66; // of the signature: RSA, else Ed25519
        byte[] signature = Arrays.copyOfRange(item, 2, end);
        id = text(MessageDigest.getInstance("SHA-256").digest(signature));
        digest = hash("hb.signed.1", item);
      }
      case "Relayed" -> {
        source = (int) message.get("partition");
        seq = (long) message.get("seq");
        // caller, partition, height, index, seq, kind, target, tags, data, hops, count, budget
        var parts = IntStream.range(0, 12).mapToObj(message::get).toList();
        byte[] content = hash("hb.content.1", parts.subList(5, 12));
        id = text(hash("hb.message.1", network, parts.subList(1, 4), content));
        digest = hash("hb.relayed.1", id, parts.subList(0, 5), content);
      }
      default -> digest = hash("hb.genesis-spawn.1", network, message.get("name"));
    }
    long height = (long) fields.get("height"), timestamp = (long) fields.get("timestamp");
    byte[] prev = ((GenericFixed) fields.get("prev")).bytes();
    byte[] hash = hash("hb.entry.1", network, record.partition(), prev, height, timestamp,
        record.key(), id, digest, fields.get("admission"));
    return new Entry(height, prev, hash, timestamp, id, source, seq);
  }

  static String text(byte[] hash) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
  }

  static byte[] hash(String domain, Object... parts) throws Exception {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeByte(domain.length());
    out.writeBytes(domain);
    layOut(out, Arrays.asList(parts));
    return MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray());
  }

  static void layOut(DataOutputStream out, Object part) throws IOException {
    if (part instanceof Number number) {
      out.writeLong(number.longValue());
    } else if (part instanceof GenericRecord record) {
      for (var field : record.getSchema().getFields()) layOut(out, record.get(field.pos()));
    } else if (part instanceof Collection<?> items) {
      if (part instanceof GenericArray) out.writeLong(items.size());
      for (var item : items) layOut(out, item);
    } else {
      byte[] bytes = part instanceof byte[] array ? array
          : part instanceof ByteBuffer buffer ? buffer.array()
          : part instanceof GenericFixed fixed ? fixed.bytes()
          : Objects.toString(part, "").getBytes(UTF_8);
      out.writeInt(bytes.length);
      out.write(bytes);
    }
  }
}
