#!/usr/bin/perl
# esme.pl PORT - a second ESME, made of Net::SMPP: sends to each number it is told on standard input (one JSON object a line, {"submit":
# NUMBER, "text": OCTETS IN HEX, ...fields of submit_sm}), prints answers, receipts and messages as JSON lines. {"unbind": 1} ends it.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

alarm 50;
$SIG{PIPE} = 'IGNORE';    # an answer may find the link gone
$| = 1;
my $json = JSON::PP->new->canonical;
sub tell_it { print $json->encode($_[0]), "\n" }

my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $ARGV[0], system_id => 'perl', password => 'secret', smpp_version => 0x34,
	interface_version => 0x34, addr_ton => 0, addr_npi => 0, address_range => '');
die "no link" if !$smpp;
tell_it({listening => $ARGV[0], bound => $resp->{status}, by => $resp->{system_id}});
exit 1 if $resp->{status};

my %number;    # sequence -> number
sub order {
	my %o = %{$json->decode($_[0])};
	if ($o{unbind}) {
		$smpp->unbind(async => 1);
		return;
	}
	my $to = delete $o{submit};
	my $seq = $smpp->submit_sm(async => 1, source_addr => '27182', source_addr_ton => 3, source_addr_npi => 0, destination_addr => $to, dest_addr_ton => 1,
		dest_addr_npi => 1, registered_delivery => 1, short_message => pack('H*', delete $o{text}), %o);
	$number{$seq} = $to;
}

sub handle {
	my $pdu = $smpp->read_pdu or exit 0;
	my $cmd = $pdu->explain_cmd;
	if ($cmd eq 'submit_sm_resp') {
		tell_it({answer => $number{$pdu->{seq}}, status => $pdu->{status}, id => $pdu->{message_id} // ''});
	} elsif ($cmd eq 'deliver_sm') {
		$smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
		tell_it({deliver => $pdu->{source_addr}, to => $pdu->{destination_addr}, esm => $pdu->{esm_class}, coding => $pdu->{data_coding},
			text => unpack('H*', $pdu->{short_message}), id => ($pdu->{receipted_message_id} // '') =~ s/\0$//r});
	} elsif ($cmd eq 'enquire_link') {
		$smpp->enquire_link_resp(seq => $pdu->{seq});
	} elsif ($cmd eq 'unbind_resp') {
		tell_it({unbound => $pdu->{status}});
		exit 0;
	} else {
		tell_it({other => $cmd, status => $pdu->{status}});
	}
}

my ($wait, $rest) = (IO::Select->new($smpp, \*STDIN), '');
while (my @ready = $wait->can_read) {
	for my $h (@ready) {
		if ($h == $smpp) {
			handle();
			next;
		}
		sysread(STDIN, $rest, 65536, length $rest) or exit 0;
		order(my $line = $1) while $rest =~ s/^([^\n]*)\n//;
	}
}
