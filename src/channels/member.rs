//! The members of a request that this service knows, and every usual spelling of their names.
//!
//! One list for all channels. A name is compared without letter case, accents, blanks, hyphens and
//! underscores, in English, Portuguese and Spanish. It must never take a name for a member that
//! means something else on a platform: there, only the names of a reservation's code count, not
//! those of any code.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A member whose meaning is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// The reservation code.
    Code,
    /// The action.
    Action,
    /// Whether it may delete.
    DryRun,
    /// A flag that asks for a look-up only.
    Lookup,
    /// The idempotency key.
    MessageId,
    /// The conversation.
    Conversation(Rank),
    /// The customer's phone.
    Phone,
    /// The language to answer in.
    Locale,
    /// What the platform calls the customer.
    CustomerName,
    /// Why the customer cancels.
    Reason,
}

/// Which of several names of a conversation counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Conversation,
    Session,
    Chat,
    Call,
}

impl Member {
    /// The documented name, for messages that say what to write.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Action => "action",
            Self::DryRun => "dry_run",
            Self::Lookup => "lookup",
            Self::MessageId => "message_id",
            Self::Conversation(_) => "conversation_id",
            Self::Phone => "phone",
            Self::Locale => "locale",
            Self::CustomerName => "customer_name",
            Self::Reason => "reason",
        }
    }

    /// The member with this name, in a request whose members are named for this service.
    pub(super) fn of(name: &str) -> Option<Self> {
        let folded = fold(name);
        Self::of_folded(&folded).or_else(|| is_any_code(&folded).then_some(Self::Code))
    }

    /// The member with this name among the parameters of a platform, where `code` may be a postal
    /// code.
    pub(super) fn of_parameter(name: &str) -> Option<Self> {
        Self::of_folded(&fold(name))
    }

    /// The instruction with this name, in any place.
    pub(super) fn instruction(name: &str) -> Option<Self> {
        match Self::of_folded(&fold(name)) {
            instruction @ Some(Self::Action | Self::DryRun | Self::Lookup) => instruction,
            Some(
                Self::Code
                | Self::MessageId
                | Self::Conversation(_)
                | Self::Phone
                | Self::Locale
                | Self::CustomerName
                | Self::Reason,
            )
            | None => None,
        }
    }

    fn of_folded(folded: &str) -> Option<Self> {
        let member = match folded {
            "reservationcode" | "codereservation" | "reservation" | "reservationnumber"
            | "reservationid" | "reserva" | "codigoreserva" | "codigodareserva"
            | "codigodereserva" | "codigodelareserva" | "codreserva" | "coddareserva"
            | "numeroreserva" | "numerodareserva" | "numerodereserva" | "numerodelareserva"
            | "reservacodigo" | "reservanumero" | "idreserva" | "reservaid" => Self::Code,
            "action" | "acao" | "accao" | "accion" | "operation" | "operacao" | "operacion" => {
                Self::Action
            }
            "dryrun" | "isdryrun" | "dryrunmode" | "dryrunonly" | "dry" | "simulate"
            | "simulated" | "simulation" | "simular" | "simulado" | "simulada" | "simulacao"
            | "simulacion" | "simulacro" | "issimulation" | "test" | "tests" | "testing"
            | "istest" | "testmode" | "testonly" | "testrun" | "teste" | "testar" | "emteste"
            | "modoteste" | "mododeteste" | "prueba" | "pruebas" | "modoprueba"
            | "mododeprueba" | "modosimulacao" | "modosimulacion" | "ensaio" | "ensayo"
            | "rehearsal" | "rehearse" | "preview" | "previa" | "whatif" | "noop" => Self::DryRun,
            "lookup" | "islookup" | "look" | "lookuponly" | "onlylookup" | "lookonly"
            | "onlylook" | "peek" | "consult" | "consulta" | "consultar" | "soconsulta"
            | "soconsultar" | "apenasconsulta" | "apenasconsultar" | "somenteconsulta"
            | "somenteconsultar" | "soloconsulta" | "soloconsultar" | "readonly"
            | "somenteleitura" | "sololectura" | "checkonly" | "onlycheck" => Self::Lookup,
            "messageid"
            | "idempotencykey"
            | "eventid"
            | "mensagemid"
            | "idmensagem"
            | "iddamensagem"
            | "mensajeid"
            | "idmensaje"
            | "iddelmensaje"
            | "chaveidempotencia"
            | "chavedeidempotencia"
            | "claveidempotencia"
            | "clavedeidempotencia" => Self::MessageId,
            "conversationid" | "conversation" | "idconversation" | "conversaid" | "conversa"
            | "idconversa" | "iddaconversa" | "conversacionid" | "conversacion"
            | "idconversacion" | "iddelaconversacion" => Self::Conversation(Rank::Conversation),
            "sessionid" | "session" | "sessaoid" | "sessao" | "idsessao" | "iddasessao"
            | "sesionid" | "sesion" | "idsesion" => Self::Conversation(Rank::Session),
            "chatid" | "chat" | "idchat" => Self::Conversation(Rank::Chat),
            "callid" | "idchamada" | "chamadaid" | "idllamada" | "llamadaid" => {
                Self::Conversation(Rank::Call)
            }
            "phone" | "phonenumber" | "telefone" | "telefono" | "celular" | "from" => Self::Phone,
            "locale" | "lang" | "language" | "idioma" => Self::Locale,
            "customername" | "nomecliente" | "nomedocliente" | "nombrecliente"
            | "nombredelcliente" => Self::CustomerName,
            "reason" | "motivo" => Self::Reason,
            _ => return None,
        };
        Some(member)
    }
}

fn is_any_code(folded: &str) -> bool {
    matches!(folded, "code" | "codigo" | "cod")
}

/// A name without what people write differently: letter case, accents, blanks, hyphens, underscores
/// and other signs.
pub(super) fn fold(name: &str) -> String {
    name.nfkd()
        .filter(|c| !is_combining_mark(*c) && c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_the_same_member() {
        for (member, names) in [
            (
                Member::DryRun,
                "dry_run dryRun dry-run DRY_RUN DryRun dryrun Simular simulação SIMULACIÓN teste modo_teste prueba",
            ),
            (
                Member::Action,
                "action Action acao ação AÇÃO acción accion operação",
            ),
            (
                Member::Code,
                "code Code código CÓDIGO codigo reservation_code reservationCode reserva codigo_da_reserva",
            ),
            (
                Member::MessageId,
                "message_id messageId MESSAGE-ID mensagem_id id_da_mensagem idempotency_key",
            ),
            (
                Member::Conversation(Rank::Conversation),
                "conversation_id conversationId conversation conversa id_conversa conversación",
            ),
            (
                Member::Lookup,
                "lookup lookUp consulta consultar somente_consulta",
            ),
        ] {
            for name in names.split(' ') {
                assert_eq!(Member::of(name), Some(member), "{name}");
            }
        }
        assert_eq!(Member::of(" dry run "), Some(Member::DryRun));
        assert_eq!(Member::of("co\u{301}digo"), Some(Member::Code));
        for other in [
            "", "kode", "query", "status", "type", "text", "message", "id", "data",
        ] {
            assert_eq!(Member::of(other), None, "{other}");
        }
        assert_eq!(Member::of_parameter("code"), None);
        assert_eq!(Member::of_parameter("codigoReserva"), Some(Member::Code));
    }
}
