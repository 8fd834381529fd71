#!/usr/bin/env bash
# Builds the image of a Kafka broker where no image hub can be reached: out of what Maven brought
# and this machine's own Java and shell. Linux only; the image is as good as this machine is like
# the engine's, and is for tests.
#
# Usage: kafka-image.sh INSTALL TAG
#   INSTALL  a folder of kafka-install.ts: libs/, log4j2.yaml, kafka.jsa
#   TAG      what to call the image
#
# The image has what testcontainers' KafkaContainer relies on, and no more: sh and sleep, and
# /etc/confluent/docker/run, which turns KAFKA_… variables into server.properties, formats the data
# folder with CLUSTER_ID, and starts the broker.
set -euo pipefail

install=$(cd "$1" && pwd)
tag=$2
java=$(readlink -f "${JAVA_HOME:+$JAVA_HOME/bin/java}" || readlink -f "$(command -v java)")
java_home=$(dirname "$(dirname "$java")")

# What goes in at the place where it is here: so the JVM's archive of classes still fits. A library
# may be known under two paths (/lib is a link to /usr/lib); the loader asks for the one ldd names.
programs=(/bin/bash /bin/sleep "$java")
mapfile -t libraries < <(
  ldd "${programs[@]}" "$java_home/lib/server/libjvm.so" | grep -oE '(/[^ ():]+)+\.so[.0-9]*' |
    grep -v "^$java_home/" | sort -u
)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,opt,tmp,etc/confluent/docker}
chmod 1777 "$stage/tmp"
ln -s /bin/bash "$stage/bin/sh"
ln -s "$install" "$stage/opt/kafka"
cat >"$stage/etc/confluent/docker/run" <<'RUN'
#!/bin/bash
set -euo pipefail
cd /opt/kafka
properties=/tmp/server.properties

# KAFKA_LOG_DIRS is log.dirs; two underscores stand for one, three for a dash.
for variable in "${!KAFKA_@}"; do
  name=${variable#KAFKA_}
  name=${name,,}
  name=${name//___/-}
  name=${name//__/$'\1'}
  name=${name//_/.}
  echo "${name//$'\1'/_}=${!variable}"
done >"$properties"

classes=(libs/*.jar)
class_path=$(IFS=:; echo "${classes[*]}")
kafka=(
  "$JAVA" -Xms128m -Xmx384m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -XX:SharedArchiveFile=kafka.jsa -Xlog:disable -Djava.awt.headless=true \
    -Dlog4j2.configurationFile=log4j2.yaml -cp "$class_path"
)
"${kafka[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$CLUSTER_ID" -c "$properties"
exec "${kafka[@]}" kafka.Kafka "$properties"
RUN
chmod +x "$stage/etc/confluent/docker/run"

# Links are followed, so what is packed is files.
inside=("${programs[@]}" "${libraries[@]}" "$java_home/lib" "$java_home/conf")
tar --create --dereference --exclude='*/src.zip' --exclude='*/lib/debug' --exclude='making-*' \
  -C / "${inside[@]#/}" -C "$stage" bin opt tmp etc |
  docker import \
    --change "ENV PATH=/bin JAVA=$java LC_ALL=C.UTF-8 KAFKA_LOG_DIRS=/tmp/kafka" \
    --change 'CMD ["/etc/confluent/docker/run"]' \
    - "$tag"
