using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Language;

/// <summary>What new ids say behind the end of a prompt is what they say behind all of it.</summary>
public sealed class ContinuationTests(ITestOutputHelper output)
{
    private const string Text = "Tom has 3 apples, née  Müller;\nand 中文字符 too: 🙂🙂 don't   go.  ";

    [Fact]
    public void Behind_a_long_prompt_ids_say_what_they_say_behind_all_of_it()
    {
        if (SharedFolder.Below("tokenizers", output) is not { } root)
            return;
        string[] folders = Directory.GetDirectories(root);
        Assert.NotEmpty(folders);
        foreach (string folder in folders)
        {
            TextTokenizer tokenizer = TextTokenizer.Load(folder, new DiskStorage());
            int[] ids = [.. Continuation.Encode(tokenizer, string.Concat(Enumerable.Repeat(Text, 4)))];
            // Prompts that end anywhere, inside characters too, and those that end in so many marks that they alone are no text.
            int[] marks = (tokenizer.BosId ?? tokenizer.EosId) is { } mark ? [.. Enumerable.Repeat(mark, 40)] : [];
            for (int cut = 1; cut < ids.Length; cut++)
            {
                foreach (int[] prompt in (int[][])[ids[..cut], [.. ids[..cut], .. marks]])
                {
                    string before = tokenizer.Decode(prompt, skipSpecialTokens: true), whole = tokenizer.Decode([.. prompt, .. ids[cut..]], skipSpecialTokens: true);
                    string expected = whole.StartsWith(before, StringComparison.Ordinal) ? whole[before.Length..] : tokenizer.Decode(ids.AsSpan(cut), skipSpecialTokens: true);
                    Assert.Equal(expected, new Continuation(tokenizer, prompt).Decode(ids[cut..]));
                }
            }
        }
    }
}
