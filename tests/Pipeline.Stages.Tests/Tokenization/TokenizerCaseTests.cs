using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Tokenization;

/// <summary>Tokenizer folders that were once read wrongly: all of this kind in the shared folder <c>cases</c>.</summary>
public sealed class TokenizerCaseTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] s_names = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"];

    private readonly string _folder = Directory.CreateTempSubdirectory("alm-cases-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tokens_that_only_the_files_beside_it_declare_have_the_ids_they_say_or_are_refused_by_name()
    {
        foreach (string folder in CaseFolder.Of("F03", output))
        {
            Dictionary<string, int> declared = Declared(folder);
            TextTokenizer alone = Load(CaseFolder.CopyModel(_folder, Beside(folder), tokenizerOnly: true));
            Assert.All(declared, d => Assert.Equal(d.Value, alone.IdOf(d.Key)));
            foreach (string text in Texts(folder))
            {
                var ids = new List<int>();
                alone.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
                Assert.Equal(Occurrences(text, declared), ids.Where(declared.ContainsValue));
            }
            string model = CaseFolder.CopyModel(_folder, Beside(folder));
            int rows = Root(Path.Combine(model, "config.json")).GetProperty("vocab_size").GetInt32();
            if (alone.VocabularySize <= rows)
                Assert.Equal(alone.Fingerprint, Load(model).Fingerprint);
            else
                Assert.Contains(Enumerable.Range(rows, alone.VocabularySize - rows).Select(id => alone.TokenOf(id)!), Assert.Throws<InputException>(() => Load(model)).Message.Contains);
        }
    }

    [Fact]
    public void A_mark_that_no_vocabulary_has_is_refused_by_name()
    {
        foreach (string folder in CaseFolder.Of("F04", output))
        {
            InputException error = Assert.Throws<InputException>(() => Load(CaseFolder.CopyModel(_folder, Beside(folder))));
            output.WriteLine(error.Message);
            IEnumerable<string> marks = Beside(folder).SelectMany(f => Root(f.File).EnumerateObject()).Where(p => p.Name is "bos_token" or "eos_token" or "pad_token").Select(p => Content(p.Value));
            Assert.Contains(marks, mark => error.Message.Contains($"'{mark}'", StringComparison.Ordinal));
        }
    }

    private static IEnumerable<(string File, string Name)> Beside(string folder)
        => s_names.SelectMany(name => Directory.GetFiles(folder, "*" + name).Take(1).Select(file => (file, name)));

    private static JsonElement Root(string file) => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;

    private static TextTokenizer Load(string folder) => TextTokenizer.Load(folder, new DiskStorage());

    private static string Content(JsonElement token) => (token.ValueKind == JsonValueKind.Object ? token.GetProperty("content") : token).GetString() ?? "";

    private static Dictionary<string, int> Declared(string folder)
    {
        var declared = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((string file, string name) in Beside(folder))
        {
            if (name == "added_tokens.json")
                Root(file).EnumerateObject().ToList().ForEach(p => declared[p.Name] = p.Value.GetInt32());
            else if (Root(file).TryGetProperty("added_tokens_decoder", out JsonElement decoder))
                decoder.EnumerateObject().ToList().ForEach(p => declared[Content(p.Value)] = int.Parse(p.Name, null));
        }
        return declared;
    }

    private static IEnumerable<string> Texts(string folder) => Directory.GetFiles(folder, "*.jsonl").SelectMany(File.ReadLines)
        .Select(line => JsonDocument.Parse(line).RootElement).Where(row => row.TryGetProperty("text", out _)).Select(row => row.GetProperty("text").GetString()!);

    /// <summary>The declared tokens in the order in which they occur in the text, found by searching for each of them.</summary>
    private static IEnumerable<int> Occurrences(string text, Dictionary<string, int> declared)
        => declared.SelectMany(d => Enumerable.Range(0, text.Length).Where(i => string.CompareOrdinal(text, i, d.Key, 0, d.Key.Length) == 0).Select(i => (i, d.Value)))
            .OrderBy(found => found.i).Select(found => found.Value);
}
