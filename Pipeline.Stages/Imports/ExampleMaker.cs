using System.Globalization;
using System.Text;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Imports;

/// <summary>Turns a row of scores into an example that a student can learn from. Not safe for several threads at once.</summary>
/// <param name="options">The limits, the student's special tokens, and what is known of the boundary mass.</param>
/// <param name="student">The student's tokenizer and chat template.</param>
/// <param name="teacher">The teacher's tokenizer, by which ids are checked. Null where they are taken as they are.</param>
/// <param name="meter">Gets counts.</param>
internal sealed class ExampleMaker(ImportScoresOptions options, ChatSide student, TextTokenizer? teacher, IStageMeter meter)
{
    private readonly TextEncoder _encoder = student.Tokenizer.CreateEncoder();
    private readonly ConversationTokenizer<(string Text, TokenSequence Student)> _chat = new([student], Rule(options), static (_, text, sides) => (text, sides[0]), meter);

    /// <summary>The rule by which the student's side is tokenized.</summary>
    public static TokenizationRule Rule(ImportScoresOptions options) => new(
        [options.StudentLimit], LongDocuments.Reject, options.AddBos, options.AddEos, null, null, TokenizationRule.Date(options.TemplateDate));

    /// <summary>Checks a row, tokenizes its text for the student, and finds the chunks.</summary>
    /// <exception cref="RejectedException">The row cannot be used.</exception>
    public Example Make(DocumentId id, ScoredRow row)
    {
        if (row.UnequalLength(options) is { } lengths)
            throw new RejectedException(id, ImportRejects.Lengths, lengths);
        if (row.Count == 0)
            throw new RejectedException(id, ImportRejects.NoTokens, "");
        if (row.Text.Length == 0)
            throw new RejectedException(id, TextRejects.Empty, "");
        (string text, TokenSequence own) = row.Messages is { } turns ? Answer(id, row, turns) : Continuation(id, row);
        int promptBytes = Encoding.UTF8.GetByteCount(text.AsSpan(0, text.Length - row.Text.Length));
        TokenSequence tokens = PlacedTokens.Of(id, row, Encoding.UTF8.GetBytes(text), promptBytes, teacher);
        if (tokens.Count > options.MaxTeacherTokens || own.Count > options.StudentLimit)
        {
            throw new RejectedException(id, ImportRejects.TooLong, string.Create(
                CultureInfo.InvariantCulture, $"{tokens.Count} and {own.Count} tokens where {options.MaxTeacherTokens} and {options.StudentLimit} are allowed"));
        }
        if (promptBytes > 0)
            own = own with { LossMask = [.. Enumerable.Range(0, own.Count).Select(i => own.Counts(i) && BeginsBehind(own, i, promptBytes))] };
        if (row.Messages is { Count: var turn })
            PairEnds(tokens, own, turn);
        TeacherScores scores = ImportedNumbers.Of(id, row, tokens.Count - row.Count, options.Knowledge);
        return new Example(id, text, own, new TeacherView(tokens, scores), ChunkAligner.Align(tokens, own));
    }

    private (string Text, TokenSequence Student) Continuation(DocumentId id, ScoredRow row)
    {
        string text = row.Prompt + row.Text;
        // The student always reads normalized text. Here that would be other bytes than those that the teacher scored.
        if (WellFormedText.Normalize(text) != text)
            throw new RejectedException(id, ImportRejects.NotNormal, "normalize the text before it is scored");
        try
        {
            return (text, _encoder.EncodeDocument(text, options.AddBos, options.AddEos));
        }
        catch (ByteViewException e)
        {
            throw new RejectedException(id, ByteViewException.Reason, e.Message);
        }
    }

    private (string Text, TokenSequence Student) Answer(DocumentId id, ScoredRow row, IReadOnlyList<ChatMessage> turns)
    {
        (string text, TokenSequence own) = _chat.Tokenize(id, [.. turns, new ChatMessage("assistant", row.Text)], row.Fields);
        return text.EndsWith(row.Text, StringComparison.Ordinal)
            ? (text, own)
            : throw new RejectedException(id, ImportRejects.Changed, "it trims white space at the ends, or the answer is not NFC; let the teacher answer without such white space");
    }

    // A token with bytes of the prompt does not count in the loss, nor do special tokens at the end of the prompt. Special tokens after the answer may count.
    private static bool BeginsBehind(TokenSequence own, int token, int promptBytes)
        => (token == 0 ? 0 : own.ByteEnds[token - 1]) >= promptBytes && (own.Unit(token) == UnitLabels.Text || own.ByteEnds[token] > promptBytes);

    /// <summary>Pairs the special token with which the teacher ended its answer with the end of the turn in the student's template.</summary>
    private static void PairEnds(TokenSequence tokens, TokenSequence own, int turn)
    {
        ushort end = own.Units?.FirstOrDefault(unit => TemplateUnits.EndedTurn(unit) == turn) ?? 0;
        if (end > 0 && tokens.Units is [.., UnitLabels.Eos])
            tokens.Units[^1] = end;
    }
}
