//! Full names without a greeting, one a line. It must never hold a name of a customer.

/// A full name that holds no first name for sure.
pub(super) const NOT_GREETED: &str = r#"
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
LeBron James
d'ávila
D'Ávila
D’ÁVILA
O'Brien
Lua
Sol Martínez
Jesus da Silva
Jesús Hernández
Luz Marina
Dulce
Graça
Deusa Maria
Socorro
Esperanza
Milagros
Nieves
Flor
Estrella
Linda
Íris
Jade
Domingos
Salvador
Divina
Celeste
Aurora
Irma Serrano
Nina
Chico
Any Gabrielly
Hope
Grace
Joy
April
Will
Xavier
Miranda
Søren
Łukasz
Nguyễn Văn
Li Wei
Ed Motta
Iglesias
MacArthur
Instalar João
Urgente Ana
Cto Norte
Olt Centro
Poste 12
Kitnet 3
Unimed
Correios
Pastelaria
Pintor Marcos
Neném
Honey
Preta
Japa
asdfg
Neto
McDonald
Maria (falecida)
JOÃO ESPÓLIO
João Materiais de Construção
Maria Modas
Céu
Paz
Estrela
Branca
Júnior
Junior
Luz
Sobrinho
Filho
Bispo Carlos Ltda
Missionária Ana
Diácono José
Apóstolo
Presbítero João
Irmã Ana
IRMA MARIA
Cooperador
Obreiro
Ancião
Levita
Ligar para Ana
Falar com João
Retornar Maria
Agendar Carlos
Reagendar
Migrar
Desistiu Ana
Aguardando
Pendente
Verificar
Ver Contrato
Retirada Equipamento
Troca Titularidade
Mudança
Ativação
VIP Ana
Cortesia
Permuta
Inadimplente João
Caixa 4
Splitter 1:8
Onu 32
Olt-Centro
João Poste 12
Maria CTO 4
Ana CEO-2
Backbone
Torre Norte
Rack
Switch
Câmera Portão
Cabo 12F
Emenda
Fusão
Sobrado
Galpão
Barraco
Fundos
Térreo
Cobertura
Chácara
Sítio Boa Vista
Vila Nova
Jardim América
Parque São João
Lote 7
Linha 5
Assentamento
Povoado
Distrito
Brasília
Curitiba
São Paulo
Goiânia
Porto Alegre
Bogotá
Buenos Aires
Medellín
Israel
Salvador Bahia
Bradesco
Itaú
Sicredi
Caixa Econômica
Sabesp
Detran
INSS
UBS Centro
UPA
CRAS
Senai
Sesc
Rotary
Maçonaria
Batista
Adventista
Assembleia
Hering
Natura
Boticário
Havan
Renner
Tim
Claro
Vivo
Alexa
Siri
Bob's
Leroy Merlin
Honda
Ford
Kia
Pintor
Pedreiro João
Mecânico
Eletricista
Manicure Ana
Costureira
Doceria
Borracheiro
Serralheiro
Marceneiro
Barbeiro
Cabeleireira
Advogado
Contador
Dentista
Faxineira Maria
Babá
Caseiro
Zelador
Taxista
Motoboy
Negão
Loira
Morena
Alemão
Gringo
Baiano
Gaúcho
Mineiro
Paraíba
Magrelo
Gordão
Tchutchuca
Bebezão
Vidinha
Docinho
Flor do Dia
Pretinha
Baixinho
Nenê
Mozão
Gatão
Bonitão
Sweetie
Darling
Cutie
Sunshine
Cielito
Mi Reina
Chiquita
Gordita
Flaco
Negrita
qwert
asdfgh
zxcvb
aaa
abc
abcd
xxx
xxxx
teste123
fdsa
lalala
blabla
hehe
rsrs
nda
s/n
sn
nc
X
Xx
Sr
Oliveira
Costa Pereira
Machado
Ribeiro
Carvalho
Gutiérrez
Johnson
Williams
MacDonald
O'Connor
D'Angelo
Silva Jr
Santos Neto
João (falecido)
João - falecido
Ana (in memoriam)
José in memoriam
Inventário de José
Herdeiros de Ana
Maria Espólio de João
Espolio Maria
Ana †
José ✝
Maria (+)
José Finado
Juan (difunto)
Juan Fallecido
Sucesión Juan
John Deceased
Estate of John
John Smith Estate
Viúva do João
Viúva Maria
João 3:16
JOÃO 3.16
João 3 16
João 3,16
Isaías 41:10
Jeremias 29 11
Lucas 1v37
Salmo 23
Josué 1:9
Mateus 6:33
Filipenses 4:13
Maria ou João
Ana / João
Ana + João
Ana Souza e João Souza
Juana o Pedro
Mary or John
Romeu e Julieta
Adão e Eva
Ana e filhos
João e família
Ana Paula e Pedro
João Pastelaria
Ana Doceria
Marcos Pinturas
Paulo Refrigeração
Rosa Cosméticos
Carlos Celulares
Bruno Barber Shop
Ana Brechó
Maria Kitnet
Lucas Games
Pedro Locações
Sara Joias
Helena Perfumes
Ana Kitnets
Marcos Lava-Jato
Francisco Imóveis
Zé Delivery
Christian Church
Wesley Chapel
Marisa Loja
Lourdes Pousada
Clara Estética
Bento Gás
Zé Ninguém
João Ninguém
Juan Nadie
Jane Doe
Maria Teste
Ana Test
João Fulano
Zé Prueba
Ana-Loja 2
João-Modas
Maria-
Ana-2
Ana-Silva
MariaLoja
AnaNet
LiaNet
DeusVive
McSilva
JoSilva
Joãozão
Mariazona
Anna's
João!
Maria;
"Ana"
Ana/
#Ana
Ana?
Jóão
İsmail
Ana_Maria
J0ão
M4ria
Anа
Irmã
Írma
Ãna
Marîa
Mª
Mariaª1
"#;
