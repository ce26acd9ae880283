# Sends a plan with Perl's Mojo::UserAgent.
use strict;
use warnings;
use Mojo::UserAgent;
use Mojo::Util qw(decode url_unescape);

my (%plan, %texts, @files);
open my $in, "<", $ARGV[0] or die;
while (my $line = <$in>) {
    chomp $line;
    my ($kind, @cells) = map { url_unescape($_) } split /\t/, $line, -1;
    if ($kind eq "text") { $texts{$cells[0]} = decode("UTF-8", $cells[1]) }
    elsif ($kind eq "file") { push @files, [@cells] }
    else { $plan{$kind} = $cells[0] }
}
my $agent = Mojo::UserAgent->new(max_redirects => 0);
if ($plan{mode} eq "urlencoded") { $agent->post($plan{url} => form => \%texts) }
elsif ($plan{mode} eq "json") { $agent->post($plan{url} => json => \%texts) }
else {
    for my $file (@files) {
        my ($name, $path, $filename, $type) = @$file;
        $texts{$name} = { file => $path, filename => decode("UTF-8", $filename), "Content-Type" => $type };
    }
    # Without a file only this header makes it multipart.
    $agent->post($plan{url} => { "Content-Type" => "multipart/form-data" } => form => \%texts);
}
