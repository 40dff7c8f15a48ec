namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// The differences between .NET's character data and those that Hugging Face's crate was built with, and the scripts that a pattern may name. They were
/// measured through the crate (0.23.2) over all code points. Code points are hexadecimal, ranges inclusive.
/// </summary>
internal static class CharacterData
{
    /// <summary>Characters that have the property Alphabetic although their general category makes them symbols.</summary>
    public const string CircledLetters = "24b6-24e9 1f130-1f149 1f150-1f169 1f170-1f189";

    /// <summary>Superscripts and fractions of Latin-1. They are word characters for Oniguruma, but not for the crate's other regular expressions.</summary>
    public const string LatinOneNumbers = "b2-b3 b9 bc-be";

    public const string JoinControls = "200c-200d";

    /// <summary>Numbers of a later version of Unicode than .NET's, which the crate's Digits already knows.</summary>
    public const string LaterNumbers = "11de0-11de9 16ff4-16ff6";

    /// <summary>Characters that are punctuation only in the crate's older table.</summary>
    public const string PunctuationAdded =
        "166d 111c9";

    /// <summary>Punctuation that is missing in the crate's older table.</summary>
    public const string PunctuationMissing =
        "61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10f55-10f59 10f86-10f89 113d4-113d5 " +
        "113d7-113d8 1144b-1144f 1145a-1145b 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c " +
        "11a9e-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f " +
        "16e97-16e9a 16fe2 1e5ff 1e95e-1e95f";

    /// <summary>Characters that are combining marks only in the crate's older table.</summary>
    public const string MarksAdded =
        "1cf2-1cf3";

    /// <summary>Combining marks that are missing in the crate's older table.</summary>
    public const string MarksMissing =
        "7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00 d3b-d3c d81 eba ece 1715 180f 1abf-1ace 1cf7 1df6-1dfa a82c " +
        "a8ff 10d24-10d27 10d69-10d6d 10eab-10eac 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 " +
        "111c9 111ce-111cf 11241 1133b 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113d0 113d2 113e1-113e2 1145e 1182c-1183a " +
        "11930-11935 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a 11a33-11a39 " +
        "11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e 11d90-11d91 " +
        "11d93-11d97 11ef3-11ef6 11f00-11f01 11f03 11f34-11f3a 11f3e-11f42 11f5a 13440 13447-13455 1611e-1612f 16f4f " +
        "16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef";

    /// <summary>
    /// Characters that are newer than the crate's normalization tables. The crate neither reorders, decomposes nor composes them. Leaving them alone also makes
    /// normalization independent of the ICU version of the machine.
    /// </summary>
    public const string InertInNormalization =
        "7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1add 1ae0-1aeb 1df6-1dfa 32ff a7f1-a7f4 a82c ab69 105c9 105d2 " +
        "105da 105e4 10781-10785 10787-107b0 107b2-107ba 10d24-10d27 10d69-10d6d 10eab-10eac 10efa-10efb 10efd-10eff " +
        "10f46-10f50 10f82-10f85 11070 1133b 11382-11385 1138b 1138e 11390-11391 113c2 113c5 113c7-113c8 113ce-113d0 1145e " +
        "11839-1183a 11935 11938 1193d-1193e 11943 119e0 11a34 11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 1611e " +
        "16121-16129 1612f 16d63 16d67-16d6a 16ff0-16ff1 1ccd6-1ccf9 1e030-1e06d 1e08f 1e130-1e136 1e2ae 1e2ec-1e2ef " +
        "1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5 1f16c 1fbf0-1fbf9";

    /// <summary>Lower case where the crate's table differs from .NET's, as <c>from>to</c>.</summary>
    public const string LowerCase =
        "130>69+307 1c89>1c8a a7cb>264 a7cc>a7cd a7ce>a7cf a7d2>a7d3 a7d4>a7d5 a7da>a7db a7dc>19b 10d50>10d70 10d51>10d71 " +
        "10d52>10d72 10d53>10d73 10d54>10d74 10d55>10d75 10d56>10d76 10d57>10d77 10d58>10d78 10d59>10d79 10d5a>10d7a " +
        "10d5b>10d7b 10d5c>10d7c 10d5d>10d7d 10d5e>10d7e 10d5f>10d7f 10d60>10d80 10d61>10d81 10d62>10d82 10d63>10d83 " +
        "10d64>10d84 10d65>10d85 16ea0>16ebb 16ea1>16ebc 16ea2>16ebd 16ea3>16ebe 16ea4>16ebf 16ea5>16ec0 16ea6>16ec1 " +
        "16ea7>16ec2 16ea8>16ec3 16ea9>16ec4 16eaa>16ec5 16eab>16ec6 16eac>16ec7 16ead>16ec8 16eae>16ec9 16eaf>16eca " +
        "16eb0>16ecb 16eb1>16ecc 16eb2>16ecd 16eb3>16ece 16eb4>16ecf 16eb5>16ed0 16eb6>16ed1 16eb7>16ed2 16eb8>16ed3";

    public static IReadOnlyDictionary<string, string> Scripts { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["Han"] =
            "2e80-2e99 2e9b-2ef3 2f00-2fd5 3005 3007 3021-3029 3038-303b 3400-4dbf 4e00-9fff f900-fa6d fa70-fad9 " +
            "16fe2-16fe3 16ff0-16ff1 20000-2a6df 2a700-2b739 2b740-2b81d 2b820-2cea1 2ceb0-2ebe0 2ebf0-2ee5d 2f800-2fa1d " +
            "30000-3134a 31350-323af",
        ["Hiragana"] =
            "3041-3096 309d-309f 1b001-1b11f 1b132 1b150-1b152 1f200",
        ["Katakana"] =
            "30a1-30fa 30fd-30ff 31f0-31ff 32d0-32fe 3300-3357 ff66-ff6f ff71-ff9d 1aff0-1aff3 1aff5-1affb 1affd-1affe " +
            "1b000 1b120-1b122 1b155 1b164-1b167",
        ["Hangul"] =
            "1100-11ff 302e-302f 3131-318e 3200-321e 3260-327e a960-a97c ac00-d7a3 d7b0-d7c6 d7cb-d7fb ffa0-ffbe ffc2-ffc7 " +
            "ffca-ffcf ffd2-ffd7 ffda-ffdc",
        ["Thai"] =
            "e01-e3a e40-e5b",
        ["Lao"] =
            "e81-e82 e84 e86-e8a e8c-ea3 ea5 ea7-ebd ec0-ec4 ec6 ec8-ece ed0-ed9 edc-edf",
        ["Khmer"] =
            "1780-17dd 17e0-17e9 17f0-17f9 19e0-19ff",
        ["Myanmar"] =
            "1000-109f a9e0-a9fe aa60-aa7f 116d0-116e3",
        ["Devanagari"] =
            "900-950 955-963 966-97f a8e0-a8ff 11b00-11b09",
        ["Hebrew"] =
            "591-5c7 5d0-5ea 5ef-5f4 fb1d-fb36 fb38-fb3c fb3e fb40-fb41 fb43-fb44 fb46-fb4f",
        ["Cyrillic"] =
            "400-484 487-52f 1c80-1c8a 1d2b 1d78 2de0-2dff a640-a69f fe2e-fe2f 1e030-1e06d 1e08f",
        ["Greek"] =
            "370-373 375-377 37a-37d 37f 384 386 388-38a 38c 38e-3a1 3a3-3e1 3f0-3ff 1d26-1d2a 1d5d-1d61 1d66-1d6a 1dbf " +
            "1f00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fc4 1fc6-1fd3 " +
            "1fd6-1fdb 1fdd-1fef 1ff2-1ff4 1ff6-1ffe 2126 ab65 10140-1018e 101a0 1d200-1d245",
        ["Arabic"] =
            "600-604 606-60b 60d-61a 61c-61e 620-63f 641-64a 656-66f 671-6dc 6de-6ff 750-77f 870-88e 890-891 897-8e1 " +
            "8e3-8ff fb50-fbc2 fbd3-fd3d fd40-fd8f fd92-fdc7 fdcf fdf0-fdff fe70-fe74 fe76-fefc 10e60-10e7e 10ec2-10ec4 " +
            "10efc-10eff 1ee00-1ee03 1ee05-1ee1f 1ee21-1ee22 1ee24 1ee27 1ee29-1ee32 1ee34-1ee37 1ee39 1ee3b 1ee42 1ee47 " +
            "1ee49 1ee4b 1ee4d-1ee4f 1ee51-1ee52 1ee54 1ee57 1ee59 1ee5b 1ee5d 1ee5f 1ee61-1ee62 1ee64 1ee67-1ee6a " +
            "1ee6c-1ee72 1ee74-1ee77 1ee79-1ee7c 1ee7e 1ee80-1ee89 1ee8b-1ee9b 1eea1-1eea3 1eea5-1eea9 1eeab-1eebb " +
            "1eef0-1eef1",
        ["Latin"] =
            "41-5a 61-7a aa ba c0-d6 d8-f6 f8-2b8 2e0-2e4 1d00-1d25 1d2c-1d5c 1d62-1d65 1d6b-1d77 1d79-1dbe 1e00-1eff 2071 " +
            "207f 2090-209c 212a-212b 2132 214e 2160-2188 2c60-2c7f a722-a787 a78b-a7cd a7d0-a7d1 a7d3 a7d5-a7dc a7f2-a7ff " +
            "ab30-ab5a ab5c-ab64 ab66-ab69 fb00-fb06 ff21-ff3a ff41-ff5a 10780-10785 10787-107b0 107b2-107ba 1df00-1df1e " +
            "1df25-1df2a",
    };
}
