# shellcheck shell=bash disable=SC2154,SC2034
# What the tests against a real Kafka share: sourced after lib.sh. $cluster is where the broker of tests/kafka/broker lives,
# $bootstrap its address once it is started, $one the id of the sample's alert, $all those without a threshold.
broker=$root/tests/kafka/broker
sample=$root/integrations/sample
for program in java kcat python3 sqlite3; do
  command -v $program > /dev/null || skip_all "$program is not installed"
done
"$broker" fetch > "$scratch/fetch.out" 2>&1 || skip_all "no Kafka: $(tail -1 "$scratch/fetch.out")"
cluster=$scratch/cluster
pid=
clean_up() {
  [ -z "$pid" ] || kill -9 $pid 2> /dev/null
  for dir in "$scratch"/*/bootstrap; do
    [ ! -e "$dir" ] || "$broker" kill "${dir%/bootstrap}" 2> /dev/null
  done
  ! mountpoint -q "$scratch/disk" || umount -l "$scratch/disk"
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

ids() { grep -oh '"id":"[0-9a-f]\{32\}"' "$@" 2> /dev/null | sort; }
# The sample gives one alert. With a threshold of 0 everything is one, which makes a stream of them: nothing is
# withheld while learning (decay knows no such state), no limit on their volume cuts it.
unlimited=(--set detector.rare.forget=decay --set volume.job=0 --set volume.actor=0 --set volume.host=0)
cp -r "$root/rulebase" "$scratch/rulebase"
sed -i 's/^threshold:.*/threshold: 0/' "$scratch/rulebase/jobs/network_connection_discovery.yaml"
run_hapax replay --quiet "${unlimited[@]}" "$sample/audit.log"
one=$(ids "$scratch/out")
cp "$scratch/out" "$scratch/one.out"
run_hapax replay --quiet --rulebase "$scratch/rulebase" "${unlimited[@]}" "$sample/audit.log"
all=$(ids "$scratch/out")
n_all=$(wc -l <<< "$all")
is "the sample has one alert, and hundreds without a threshold" "$(wc -l <<< "$one") $((n_all > 200))" "1 1"

# hapax run into topic $1 of the cluster, its state in $1.db; what it says goes to $1.err
hapax_to() { # TOPIC OPTION…
  local topic=$1
  shift
  "$hapax" run "${unlimited[@]}" --state "$scratch/$topic.db" --set "sink.kafka.topic=$topic" --set "sink.kafka.kafka.bootstrap.servers=$bootstrap" \
    --set sink.kafka.kafka.reconnect.backoff.max.ms=200 "$@" 2>> "$scratch/$topic.err"
}
follow() { # TOPIC OPTION…: in the background, $pid, on $1.log; returns when it reads
  local topic=$1 n
  n=$(grep -c started "$scratch/$topic.err" 2> /dev/null)
  shift
  "$hapax" run "${unlimited[@]}" --state "$scratch/$topic.db" --set "sink.kafka.topic=$topic" --set "sink.kafka.kafka.bootstrap.servers=$bootstrap" \
    --set sink.kafka.kafka.reconnect.backoff.max.ms=200 --set source.log.driver=file --set "source.log.path=$scratch/$topic.log" \
    --set source.log.follow=true --set source.log.start=beginning "$@" < /dev/null 2>> "$scratch/$topic.err" &
  pid=$!
  wait_for 20 started_more_than "$topic" "${n:-0}"
}
started_more_than() { [ "$(grep -c started "$scratch/$1.err")" -gt "$2" ]; }
stop() { # sets $code
  kill -TERM $pid
  wait $pid
  code=$?
  pid=
}
says() { grep -qE "$2" "$scratch/$1.err"; } # TOPIC REGEX
said() { cat "$scratch/$1.err"; }
lines=$(wc -l < "$sample/audit.log")
part() { sed -n "$((($1 - 1) * lines / 8 + 1)),$(($1 * lines / 8))p" "$sample/audit.log"; } # an eighth of the sample
read_topic() { timeout 10 kcat -b "$bootstrap" -C -t "$1" -e -q "${@:2}" 2> "$scratch/kcat.err"; }
has_at_least() { [ "$(read_topic "$1" -f '%o\n' | wc -l)" -ge "$2" ]; } # TOPIC N
has_all() { [ "$(read_topic "$1" | ids | uniq)" = "$all" ]; }
outbox() { sqlite3 "$scratch/$1.db" 'select count(*) from outbox'; }
topic() { "$cluster/kafka-topics.sh" --bootstrap-server "$bootstrap" --create --partitions 1 --topic "$@" > "$scratch/topic.out" 2>&1; }
# What the broker has on disk of a topic.
dump() { "$cluster/kafka-dump-log.sh" --files "$(printf '%s,' "$cluster"/node-0/data/"$1"-?/*.log)" 2>&1; }

