# A node for fault campaigns that starts in a few milliseconds: holds LOCK, and writes the same line to two logs, one
# after the other, so that a copy of both tells whether it was taken while the node wrote. It ends with SIGTERM, the
# logs then being equal, and by itself once the process that plays the campaign is gone.
#     perl node.pl <data folder> <pid of the campaign>
use strict;
use warnings;
use Fcntl ':flock';
my ($data, $guardian) = @ARGV;
open(my $lock, '>', "$data/LOCK") or exit 1;
flock($lock, LOCK_EX | LOCK_NB) or exit 1;
my $large = -s "$data/900002.log" // 0;
my $mode = $large > 65536 ? '>' : '>>';
open(my $first, $mode, "$data/900002.log") or exit 1;
open(my $second, $mode, "$data/900003.log") or exit 1;
# One that was killed between its two writes goes on from what both have, as databases do.
my ($one, $other) = map { -s $_ } $first, $second;
truncate($_, $one < $other ? $one : $other) or exit 1 for $first, $second;
my $stopping = 0;
$SIG{TERM} = sub { $stopping = 1 };
open(my $pid, '>', "$data.pid.new") or exit 1;
print $pid $$;
close $pid;
rename("$data.pid.new", "$data.pid");
for (my $block = 0; !$stopping; $block++) {
  my $line = sprintf("block %d of %d\n", $block, $$);
  syswrite($first, $line);
  select(undef, undef, undef, 0.002);
  syswrite($second, $line);
  select(undef, undef, undef, 0.01);
  last if $block % 50 == 0 && !kill(0, $guardian);
}
