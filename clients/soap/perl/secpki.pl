#!/usr/bin/perl
# Signs, signs a batch, verifies, and shows a fault; by the methods that SOAP::Lite (package libsoap-lite-perl) makes of
# the WSDL. Their parameters are the elements of the request in the order of the WSDL; undef leaves one out.
#
#     perl secpki.pl URL USER PASSWORD PROFILE FOLDER FILE...

use strict;
use warnings;
use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(basename);
use MIME::Base64 qw(decode_base64);
use SOAP::Lite;

binmode STDOUT, ':utf8';
my ($url, $user, $password, $profile, $folder, @files) = map { decode_utf8($_) } @ARGV;

# SOAP::Lite writes the simple types of XML Schema; structures are the caller's: their fields come in order.
sub SOAP::Serializer::as_BatchDocument { my ($self, $value, $name) = @_; return [$name, {}, $value] }
sub SOAP::Serializer::as_Setting       { my ($self, $value, $name) = @_; return [$name, {}, $value] }

my $secpki = SOAP::Lite->service("$url?wsdl");
$secpki->proxy($url);
$secpki->transport->http_request->headers->authorization_basic(encode_utf8($user), encode_utf8($password));
$secpki->on_fault(sub { $_[1] });
$secpki->want_som(1);

sub content {
    my ($file) = @_;
    open my $handle, '<:raw', encode_utf8($file) or die "$file: $!";
    local $/;
    return scalar <$handle>;
}

sub save {
    my ($name, $base64) = @_;
    open my $handle, '>:raw', encode_utf8("$folder/$name") or die "$name: $!";
    print {$handle} decode_base64($base64);
    close $handle or die "$name: $!";
}

# The answer of an operation, or the end of this program with the fault.
sub answer {
    my ($answer) = @_;
    die 'status ', $answer->faultdetail->{SecPKIFault}{Status}, ': ', $answer->faultstring, "\n" if $answer->fault;
    return $answer;
}

my ($document, $name) = (content($files[0]), basename($files[0]));
my $result = answer($secpki->sign($document, $name, undef, $profile))->valueof('//signResponse');
save($result->{SignatureName}, $result->{Signature});
print "sign: $result->{SignatureName}\n";

# An element of a batch. The first one's name comes from the WSDL, further ones bring it.
sub fields {
    my ($file) = @_;
    my $content = SOAP::Data->name(document => content($file))->type('base64Binary');
    return \SOAP::Data->value($content, SOAP::Data->name(documentName => basename($file))->type('string'));
}
my ($first, @further) = map { fields($_) } @files;
my @documents = ($first, map { SOAP::Data->name(documents => $_) } @further);
my $batch = answer($secpki->signBatch($profile, undef, undef, undef, @documents));
for my $one ($batch->valueof('//signBatchResponse/Results')) {
    if ($one->{Status} == 0) {
        save($one->{SignatureName}, $one->{Signature});
    } else {
        print "not signed: $one->{Index} $one->{Status} $one->{Reason}\n";
    }
}
my ($count, $failed) = map { $batch->valueof("//signBatchResponse/$_") } qw(Signed Failed);
print "batch: $count signed, $failed failed\n";

my $signature = decode_base64($result->{Signature});
my $verdict = answer($secpki->verify($document, $name, $signature))->valueof('//verifyResponse');
print "verify: $verdict->{ResultCode} $verdict->{Outcome}\n";

my $fault = $secpki->sign('x', undef, undef, 'no-such-profile');
print 'fault: ', $fault->faultdetail->{SecPKIFault}{Status}, ' ', $fault->faultstring, "\n";
