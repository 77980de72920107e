//! Full names without a greeting, one a line. It must never hold a name of a customer.

/// A full name that holds no first name for sure.
pub(super) const NOT_GREETED: &str = "\
null
NULL
Null Null
(null)
undefined
undefined undefined
None
NaN
nil
unknown
Unknown User
true
false
Object
[object Object]
{{x}}
{{name}}
{nome}
${nome}
%nome%
<nome>
@nome
#N/A
N/A
not available
firstName
first_name
customerName
pushName
FirstName
nomeCompleto
ＮＵＬＬ
usuário
Usuario
USUÁRIO
Usuário WhatsApp
user
Visitante
Visitante 1234
Guest
Lead
Nome
Nombre
Name
Seu nome
Meu Nome
Your Name
Sem nome
Sem-nome
sin nombre
No name
Anônimo
Anonymous
Desconhecido
Desconocido
Fulano
Fulano de Tal
Beltrano
Mengano
John Doe
Vendas
Carlos e Vendas
Whatsapp
Cliente
Cliente 12
Cliente-12
novo cliente
Contato
Contacto
TESTE
Test User
Prueba
Admin
Suporte
Atendente
Bot
Titular
Morador
Apto 12
Casa 3
Rua das Flores
Bloco B
Dr
Dr.
Dona
Seu
Sra
Prof
Jr
Jr Silva
Dr Silva
Mr Smith
Mr. Robot
Sr Barriga
Seu Madruga
Dona Encrenca
Dra. J. Carla
Prof.ª Ana
Sr(a). Maria
DE SOUZA JOSE
da Silva João
DOS SANTOS MARIA
del Valle Juan
de la Torre
e
y
Silva João
SOUZA
González Juan
Silva, João
São João
Santa Maria
San Pedro
J. P. Souza
J P Souza
JP Souza
J.P. Souza
A
A. Silva
AC Silva
Mª José
Ma José
Fco García
Padaria São José
PADARIA
Panadería La Espiga
Condomínio Solar
COND. EDIFÍCIO SOLAR
Igreja Batista
Iglesia Evangélica
NET TELECOM LTDA
Ana Net
EMPRESA X
MEI José
José da Silva MEI
ME
João da Silva ME
João da Silva - ME
João da Silva (ME)
João Silva M.E.
José EIRELI
José Souza EPP
Silva & Filhos
Irmãos Souza
Souza Irmãos
Petrobras S/A
Petrobras SA
Petrobras S.A.
Petrobras S A
Juan Pérez S.A.S.
Juan Pérez SRL
Juan Pérez S.R.L.
Juan Pérez S. de R.L.
Acme LLC
Acme Inc
Acme Inc.
Acme Ltd
Maria CNPJ 12345678000190
SAC
Loja da Ana
Ana Loja
Ana-Loja
Ana Nails
Tienda Juan
Mercado Central
Supermercado Bom Preço
Escola Estadual
Clínica Vida
Associação dos Moradores
Prefeitura Municipal
Câmara Municipal
Banco do Brasil
Provedor Fibra
Internet
Ana Internet
Restaurante do Zé
Bar do Zé
Oficina Silva
Transportes Lima
ana@example.com
www.example.com
ana.silva
Espólio de José
Deus é fiel
DEUS É FIEL
Deus
Dios es amor
God is good
Só Deus
Só Jesus
Jesus te ama
Jesus é o caminho
Jesus Cristo
Jesus vive
Jesús te ama
Senhor Jesus
100% Jesus
Mãe
Mãe ❤️
Mae da Julia
Mamãe
Pai
Papá
Vovó
Irmã Dulce
Amor ❤️
Amor da minha vida
Meu amor
Mi amor
Vida
Love
Princesa
Gratidão
Família Silva
Eu
Eu mesma
Yo
Me
Ninguém
Sou eu
Soy Juan
Me chamo Ana
Ana é feliz
Feliz
Saudades
Flamengo
Maria e João
Juan y María
John and Mary
Maria & João
Maria/João
iPhone de Ana
Ana's iPhone
Ana1
-Ana
'Ana
Ana-
Ana'
Ana--Maria
Ana,
Ana.
Ana👑
~ana~
*Ana*
_Ana_
👑 Ana
<b>Ana</b>
+5548999990000
12345
😀😀
--
李明
Мария
محمد
Ελένη
さくら
김민수
דוד
Aaaa
Anaaaa
kkkk
Bcdfg
asdf
qwerty
Oi
Olá
MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM
Anananananananananananananananana
Não informado
NAO INFORMADO
Consumidor Final
Número desconhecido
Private Number
Unavailable
Wireless Caller
A definir
Boa tarde
Buenos días
Quero cancelar
Deus no comando
Jesus no comando
Abençoada
Time do Coração
Batman
Auto Center
Casa de Carnes
Café da Ana
Taller Gómez
JosÃ©
MÃ¡rcia
JoãoSilva
AnaSilva
WhatsApp
YouTube
Glória a Deus
Graças a Deus
Vitória em Cristo
Amém
Linda demais
García e Hijos
Hermanos García
Inversiones López SAPI de CV
";
