#!/usr/bin/env perl
# What selftest.exe says under Wine, compared with what is known there. Prints TAP.
# Usage: perl selftest.pl passed|heap|system|hung|crashed|ended EXIT-CODE FILE.json "$(wine --version)"
use strict;
use warnings;
use JSON::PP;
use Test::More;

my ($expected, $code, $file, $wine) = @ARGV;
my ($wine_version) = $wine =~ /^wine-([0-9.]+)/;
my %code = (passed => 0, heap => 0, system => 0, hung => 3, crashed => 3, ended => 77);
my @steps = qw(device tables multithread video playback enforcement teardown);

is($code, $code{$expected}, 'the exit code');
open(my $handle, '<', $file) or BAIL_OUT("$file: $!");
my $text = do { local $/; <$handle> };
my $report = eval { decode_json($text) };
ok($report, 'the report is JSON') or BAIL_OUT($@);
is($report->{report}, 'softcp-selftest', 'its name');
is($report->{version}, 1, 'its version');
is($report->{bits}, 64, 'its bits');
is($report->{system}{wine}, $wine_version, 'the version of Wine');
like($report->{system}{windows}, qr/^\d+\.\d+\.\d+$/, 'the version of Windows');
is($report->{system}{processor}, 'x86_64', 'the processor');
unlike($text, qr{[A-Za-z]:\\\\|/home/|/root|/tmp|users}i, 'no path is in it');

my $layer = $expected ne 'system';
is($report->{d3d11}{file}, 'd3d11.dll', 'd3d11.dll is met');
is($report->{d3d11}{place}, $layer ? 'beside the program' : 'system', 'the right one');
$layer ? like($report->{d3d11}{softcp}, qr/^\d+\.\d+\.\d+$/, 'it is the layer') : is($report->{d3d11}{softcp}, undef, 'not the layer');

my $whole = $expected =~ /^(hung|crashed)$/ ? $expected : $expected eq 'ended' ? 'running' : 'passed';
is($report->{result}, $whole, 'the result');
my $adapters = $report->{adapters};
is($adapters->[0]{kind}, 'warp', 'the first adapter is WARP');

if ($expected eq 'ended') {
    ok(!$report->{complete}, 'it is not complete');
    is($report->{start}[0]{result}, 'passed', 'what was found before is there');
    is($adapters->[0]{steps}[0]{result}, 'running', 'the step is named');
    done_testing();
    exit;
}
if ($expected eq 'crashed') {
    like($report->{crash}, qr/^exception 0xc0000005 in selftest\.exe at 0x[0-9a-f]+, in the step device$/, 'the crash is told');
    ok(!$report->{complete}, 'it is not complete');
    is($adapters->[0]{steps}[0]{result}, 'crashed', 'the step is named');
    done_testing();
    exit;
}
ok($report->{complete}, 'it is complete');
is($report->{crash}, undef, 'without a crash');
cmp_ok(scalar(@$adapters), '>=', 2, 'WARP and hardware');
ok((grep { lc $_->{file} eq 'dxgi.dll' && $_->{place} eq 'system' } @{$report->{modules}}), 'modules are listed');
is($report->{start}[0]{result}, 'passed', 'the start');

for my $adapter (@$adapters) {
    my $name = $adapter->{kind};
    is_deeply([map { $_->{name} } @{$adapter->{steps}}], \@steps, "$name: every step is there");
    for my $step (@{$adapter->{steps}}) {
        my $result = $expected eq 'hung' ? ($step->{name} eq 'device' ? 'hung' : 'skipped')
            : !$layer && $step->{name} =~ /^(video|playback|enforcement)$/ ? 'skipped' : 'passed';
        # Where Wine has a video device of its own, it is looked at.
        $result = $step->{result} if !$layer && $step->{name} eq 'video' && $step->{result} eq 'passed';
        is($step->{result}, $result, "$name: $step->{name}") or diag(join("\n", @{$step->{failures}}));
        cmp_ok($step->{checks}, '>', 0, "$name: $step->{name} has checks") if $result eq 'passed';
    }
    next if $expected eq 'hung';
    my %tables = map { $_->{interface} => $_ } @{$adapter->{tables}};
    my %least = (ID3D11Device => 43, ID3D11DeviceContext => 115, ID3D11Multithread => 7, IDXGIDevice => 12);
    $least{ID3D11VideoDevice} = 20, $least{ID3D11VideoContext} = 65 if $layer;
    for my $interface (sort keys %least) {
        my $table = $tables{$interface};
        ok($table, "$name: the table of $interface") or next;
        cmp_ok($table->{entries}, '>=', $least{$interface}, "$name: as many entries as $interface has methods");
        is_deeply($table->{rewritten}, [], "$name: nobody has rewritten them");
        my $is_heap = $expected eq 'heap' && $interface =~ /^ID3D11Device(Context)?$/;
        is($table->{memory}, $is_heap ? 'heap' : 'module', "$name: where they lie");
        my $place = $is_heap ? undef : $interface =~ /Video/ && $layer ? 'beside the program' : 'system';
        is($table->{module}{place}, $place, "$name: in which module");
        is($table->{shared_with_second_object} ? 1 : 0, $is_heap ? 0 : 1, "$name: whether a second object has the same")
            if $interface !~ /Video/;
    }
    # The layer hooks code, not tables; once for all devices.
    next if $adapter != $adapters->[0];
    my $changed = @{$tables{ID3D11DeviceContext}{code_changed}};
    $layer ? cmp_ok($changed, '>', 0, "$name: methods of the context are hooked") : is($changed, 0, "$name: nothing is hooked");
}
done_testing();
