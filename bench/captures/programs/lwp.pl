# Sends a plan with Perl's LWP.
use strict;
use warnings;
use HTTP::Request::Common;
use LWP::UserAgent;
use URI::Escape;

my (%plan, @texts, @files);
open my $in, "<", $ARGV[0] or die;
while (my $line = <$in>) {
    chomp $line;
    my ($kind, @cells) = map { uri_unescape($_) } split /\t/, $line, -1;
    if ($kind eq "text") { push @texts, @cells }
    elsif ($kind eq "file") { push @files, [@cells] }
    else { $plan{$kind} = $cells[0] }
}
my $agent = LWP::UserAgent->new(timeout => 20);
if ($plan{mode} eq "urlencoded") {
    $agent->request(POST $plan{url}, Content => \@texts);
} elsif ($plan{mode} eq "raw") {
    open my $body, "<:raw", $plan{body} or die;
    local $/;
    $agent->request(POST $plan{url}, Content_Type => $plan{content_type}, Content => <$body>);
} else {
    my @form = @texts;
    for my $file (@files) {
        my ($name, $path, $filename, $type) = @$file;
        # The simplest mistake: the path without the brackets that make it a file.
        push @form, $name => $plan{mode} eq "path" ? $path : [$path, $filename, Content_Type => $type];
    }
    my $request = POST $plan{url}, Content_Type => "form-data", Content => \@form;
    $agent->request($request);
}
