#!/usr/bin/perl
# Signs, signs a batch, verifies, and shows a fault; with SOAP::Lite (package libsoap-lite-perl).
#
#     perl secpki.pl URL USER PASSWORD PROFILE FOLDER FILE...

use strict;
use warnings;
use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(basename);
use MIME::Base64 qw(encode_base64 decode_base64);
use SOAP::Lite;

binmode STDOUT, ':utf8';
my ($url, $user, $password, $profile, $folder, @files) = map { decode_utf8($_) } @ARGV;
my $namespace = 'http://seccommerce.de/ws/SecPKI/';

my $secpki = SOAP::Lite->new(proxy => $url)
    ->autotype(0)
    ->default_ns($namespace)
    ->on_action(sub { qq("$namespace#$_[1]") })
    ->on_fault(sub { $_[1] });
$secpki->transport->http_request->headers->authorization_basic(encode_utf8($user), encode_utf8($password));

# An element with text, or with elements.
sub field { my ($name, $value) = @_; return SOAP::Data->name($name)->value($value)->type('') }
sub group { my ($name, @fields) = @_; return SOAP::Data->name($name => \SOAP::Data->value(@fields)) }

sub content {
    my ($file) = @_;
    open my $handle, '<:raw', encode_utf8($file) or die "$file: $!";
    local $/;
    return encode_base64(<$handle>, '');
}

sub save {
    my ($name, $base64) = @_;
    open my $handle, '>:raw', encode_utf8("$folder/$name") or die "$name: $!";
    print {$handle} decode_base64($base64);
    close $handle or die "$name: $!";
}

# Calls an operation and gives its answer, or ends with the fault.
sub ask {
    my ($operation, @fields) = @_;
    my $answer = $secpki->call($operation, @fields);
    die 'status ', $answer->faultdetail->{SecPKIFault}{Status}, ': ', $answer->faultstring, "\n" if $answer->fault;
    return $answer;
}

my @first = (field(document => content($files[0])), field(documentName => basename($files[0])));
my $signed = ask('sign', @first, field(profile => $profile));
my $result = $signed->valueof('//signResponse');
save($result->{SignatureName}, $result->{Signature});
print "sign: $result->{SignatureName}\n";

my @documents =
    map { group(documents => field(document => content($_)), field(documentName => basename($_))) } @files;
my $batch = ask('signBatch', field(profile => $profile), @documents);
for my $one ($batch->valueof('//signBatchResponse/Results')) {
    if ($one->{Status} == 0) {
        save($one->{SignatureName}, $one->{Signature});
    } else {
        print "not signed: $one->{Index} $one->{Status} $one->{Reason}\n";
    }
}
my ($count, $failed) = map { $batch->valueof("//signBatchResponse/$_") } qw(Signed Failed);
print "batch: $count signed, $failed failed\n";

my $verdict = ask('verify', @first, field(signature => $result->{Signature}))->valueof('//verifyResponse');
print "verify: $verdict->{ResultCode} $verdict->{Outcome}\n";

my $fault = $secpki->call('sign', field(document => 'eA=='), field(profile => 'no-such-profile'));
print 'fault: ', $fault->faultdetail->{SecPKIFault}{Status}, ' ', $fault->faultstring, "\n";
