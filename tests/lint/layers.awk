# SPDX-License-Identifier: Apache-2.0
# layers.awk - a file includes its own folder and lower layers only
# awk -f layers.awk layers.txt FILE...: the longest prefix in layers.txt decides
function find(path,    prefix, best) {
	best = ""
	for (prefix in rank)
		if (index(path, prefix) == 1 && length(prefix) > length(best))
			best = prefix
	return best
}
FILENAME ~ /layers\.txt$/ { rank[$2] = $1; next }
/^#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	if (quoted[2] == "config.h")
		next
	from = find(FILENAME)
	to = find(quoted[2])
	if (to == "" || rank[to] > rank[from] || (rank[to] == rank[from] && to != from)) {
		printf "%s:%d: %s (layer %s) includes %s\n", FILENAME, FNR, from, rank[from], quoted[2]
		bad = 1
	}
}
END { exit bad }
