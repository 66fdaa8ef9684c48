#!/usr/bin/perl
# smsc.pl - a second SMSC, made of Net::SMPP: decimal ids, error answers with an empty C string as body, TLV ids without their NUL, and
# PDUs glued together in one write. One bind at a time. What it saw is printed as one JSON object a line. The last digit of a number:
#   0 accepted, receipt by text                       1 receipt directly behind the response, in one packet
#   2 refused with 0x0B                               3 receipt in front of the response, in one packet
#   4 refused with 0x400                              5 throttled once with 0x58
#   6 receipt with the id in hexadecimal              7 receipt by TLVs alone, the id without NUL
#   8 accepted, but UNDELIV                           9 accepted, never a receipt
use strict;
use warnings;

package Glue;    # writes can be held back and leave as one
our @ISA = ('Net::SMPP');
our ($held, $packet) = (0, '');

sub syswrite {
	my ($me, $data) = @_;
	$packet .= $data;
	return length $data if $held;
	while (length $packet) {
		my $n = $me->SUPER::syswrite($packet);
		return undef if !$n;
		substr($packet, 0, $n) = '';
	}
	return length $data;
}

package main;
use JSON::PP;
use Net::SMPP;

alarm 50;    # whatever happens to the test
$SIG{PIPE} = 'IGNORE';    # a link may go while something is written to it
$| = 1;
my $json = JSON::PP->new->canonical;
sub tell_it { print $json->encode($_[0]), "\n" }

my $listener = Glue->new_listen('127.0.0.1', port => 0, smpp_version => 0x34) or die "listen: $!";
tell_it({listening => $listener->sockport});
my ($next, %throttled) = (4_000_000_000);

sub receipt {
	my ($bind, $sm, $id, $stat, $form) = @_;
	my $number = $form eq 'hex' ? sprintf('%x', $id) : $id;
	my $text = "id:$number sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:$stat err:000 text:";
	$bind->deliver_sm(async => 1, esm_class => 4, source_addr_ton => 1, source_addr_npi => 1, source_addr => $sm->{destination_addr},
		dest_addr_ton => 3, dest_addr_npi => 0, destination_addr => $sm->{source_addr},
		$form eq 'tlv' ? (short_message => '', receipted_message_id => "$id", message_state => pack('C', $stat eq 'DELIVRD' ? 2 : 5))
			: (short_message => $text));
}

sub submitted {
	my ($bind, $sm) = @_;
	my ($to, $seq, $id) = ($sm->{destination_addr}, $sm->{seq}, $next++);
	my $case = substr $to, -1;
	tell_it({submit => $to, from => $sm->{source_addr}, coding => $sm->{data_coding}, esm => $sm->{esm_class},
		registered => $sm->{registered_delivery}, text => unpack('H*', $sm->{short_message}), id => "$id"});
	return $bind->submit_sm_resp(seq => $seq, status => 0x0b, message_id => '') if $case == 2;
	return $bind->submit_sm_resp(seq => $seq, status => 0x400, message_id => '') if $case == 4;
	return $bind->submit_sm_resp(seq => $seq, status => 0x58, message_id => '') if $case == 5 && !$throttled{$to}++;
	$Glue::held = $case == 1 || $case == 3;
	receipt($bind, $sm, $id, 'DELIVRD', 'text') if $case == 3;
	$bind->submit_sm_resp(seq => $seq, message_id => "$id");
	$Glue::held = 0 if $case != 1;
	$bind->syswrite('') if $case == 3;
	if ($case == 1) {
		$Glue::held = 0;    # the response is still held: both leave in the next write
		receipt($bind, $sm, $id, 'DELIVRD', 'text');
	}
	return if $case == 3 || $case == 1 || $case == 9;
	receipt($bind, $sm, $id, $case == 8 ? 'UNDELIV' : 'DELIVRD', $case == 6 ? 'hex' : $case == 7 ? 'tlv' : 'text');
}

while (my $bind = $listener->accept) {
	local $SIG{__WARN__} = sub { };    # an end of file is no news here
	while (my $pdu = $bind->read_pdu) {
		my $cmd = $pdu->explain_cmd;
		if ($cmd eq 'bind_transceiver') {
			my $good = $pdu->{system_id} eq 'pombo' && $pdu->{password} eq 'secret';
			tell_it({bind => $pdu->{system_id}, version => $pdu->{interface_version}, good => $good ? 1 : 0});
			$bind->bind_transceiver_resp(seq => $pdu->{seq}, status => $good ? 0 : 0x0e, system_id => 'perl');
			last if !$good;
		} elsif ($cmd eq 'submit_sm') {
			submitted($bind, $pdu);
		} elsif ($cmd eq 'deliver_sm_resp') {
			tell_it({acknowledged => $pdu->{status}, id => $pdu->{message_id} // ''});
		} elsif ($cmd eq 'enquire_link') {
			$bind->enquire_link_resp(seq => $pdu->{seq});
		} elsif ($cmd eq 'unbind') {
			tell_it({unbind => 1});
			$bind->unbind_resp(seq => $pdu->{seq});
			last;
		} elsif ($pdu->{cmd} < 0x80000000) {
			tell_it({unknown => $pdu->{cmd}});
			$bind->generic_nack(seq => $pdu->{seq}, status => 3);
		}
	}
	$bind->close;
	tell_it({closed => 1});
}
