using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>Documents that are split: every one in the shared folder <c>cases</c> has one end, and its parts together are its text.</summary>
public sealed class EndMarkCaseTests(ITestOutputHelper output)
{
    [Fact]
    public void Eos_stands_once_where_the_document_ends_and_bos_before_every_part()
    {
        using var run = new StageHarness();
        TextTokenizer teacher = TextTokenizer.Load(CaseFolder.TinyModel, new DiskStorage()), student = TextTokenizer.Load("bytes", new DiskStorage());
        var rule = TokenizationRule.Of(new TokenizeOptions { MaxTeacherTokens = 64, MaxStudentTokens = 128 });
        var tokenizer = new DocumentTokenizer<(string Text, TokenSequence[] Sides)>([teacher, student], rule, (_, text, sides) => (text, sides), run);
        foreach (string file in CaseFolder.Files("F16", "*.jsonl", output))
        {
            int split = 0;
            foreach (string text in File.ReadLines(file).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!))
            {
                IReadOnlyList<(string Text, TokenSequence[] Sides)> parts = tokenizer.Tokenize(new DocumentId(1, 1, 0), text);
                split += parts.Count > 1 ? 1 : 0;
                Assert.Equal(text, string.Concat(parts.Select(p => p.Text)));
                for (int side = 0; side < 2; side++)
                {
                    TextTokenizer own = side == 0 ? teacher : student;
                    Assert.Equal(parts.Count, parts.Sum(p => p.Sides[side].Ids.Count(id => id == own.BosId)));
                    Assert.Equal(1, parts.Sum(p => p.Sides[side].Ids.Count(id => id == own.EosId)));
                    Assert.Equal(own.EosId, parts[^1].Sides[side].Ids[^1]);
                }
                // A byte, a mark at each part, and one end.
                Assert.Equal(Encoding.UTF8.GetByteCount(text) + parts.Count + 1, parts.Sum(p => p.Sides[1].Count));
            }
            Assert.InRange(split, 1, int.MaxValue);
        }
    }
}
