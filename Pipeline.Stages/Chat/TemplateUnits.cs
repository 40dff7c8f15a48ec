using System.Text;

using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Chat;

/// <summary>
/// Labels the template tokens of a prompt with units: for each turn, the start of its header, its role, the end of its header, and the end of the turn.
/// In this way families that spell these differently are aligned piece by piece. Everything else that a template writes (a default system prompt, a
/// generation prompt, a date) has no partner on the other side.
/// </summary>
internal static class TemplateUnits
{
    /// <summary>The number of labels for each turn.</summary>
    private const int Slots = 4;

    private const int HeaderStart = 0, Role = 1, HeaderEnd = 2, TurnEnd = 3;

    /// <summary>The largest number of turns for which there are labels.</summary>
    public const int MostTurns = (ushort.MaxValue - UnitLabels.FirstTemplateUnit) / Slots;

    /// <summary>The turn whose end a label marks, or -1.</summary>
    public static int EndedTurn(ushort label)
        => label >= UnitLabels.FirstTemplateUnit && (label - UnitLabels.FirstTemplateUnit) % Slots == TurnEnd
            ? (label - UnitLabels.FirstTemplateUnit) / Slots
            : -1;

    /// <summary>[tokens] one label for each token.</summary>
    public static ushort[] Label(RenderedPrompt prompt, PromptToken[] tokens, IReadOnlyList<int> ids, Conversation conversation, int? bos, int? eos)
    {
        ushort[] units = new ushort[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
            units[i] = tokens[i].Kind == PromptTokenKind.Text ? UnitLabels.Text : UnitLabels.Unpaired;
        int before = RenderedPrompt.Nobody, start = 0;
        if (tokens.Length > 0 && tokens[0].Kind == PromptTokenKind.Template && ids[0] == bos)
        {
            units[0] = UnitLabels.Bos;
            start = 1;
        }
        for (int i = start; i < tokens.Length; i++)
        {
            if (tokens[i].Kind == PromptTokenKind.Template)
                continue;
            int turn = TurnAt(prompt, tokens[i].Start, tokens[i].End, first: true);
            if (turn != before)
                new Gap(prompt, tokens, units, conversation, start, i).Label(before, turn);
            before = TurnAt(prompt, tokens[i].Start, tokens[i].End, first: false);
            start = i + 1;
        }
        int end = new Gap(prompt, tokens, units, conversation, start, tokens.Length).LabelTurnEnd(before, tokens.Length);
        int last = Enumerable.Range(end, tokens.Length - end).FirstOrDefault(i => ids[i] == eos, -1);
        if (last >= 0)
            units[last] = UnitLabels.Eos;
        return units;
    }

    private static ushort LabelOf(int turn, int slot) => (ushort)(UnitLabels.FirstTemplateUnit + (Slots * turn) + slot);

    private static int TurnAt(RenderedPrompt prompt, int start, int end, bool first)
    {
        for (int k = 0; k < end - start; k++)
        {
            int turn = prompt.ContentOf[first ? start + k : end - 1 - k];
            if (turn != RenderedPrompt.Nobody)
                return turn;
        }
        return RenderedPrompt.Nobody;
    }

    /// <summary>The template tokens [Start, End) between the contents of two turns.</summary>
    private readonly record struct Gap(RenderedPrompt Prompt, PromptToken[] Tokens, ushort[] Units, Conversation Conversation, int Start, int End)
    {
        public void Label(int before, int next)
        {
            (int roleStart, int roleEnd) = FindRole(next);
            int headerStart = roleStart;
            if (roleStart == roleEnd)
            {
                // The role is not named. The last added token then begins the turn, unless it is the only one and ends the turn before.
                int added = Conversation.Messages[next].Role is "user" or "assistant" or "system" ? LastAdded(End) : -1;
                bool endsTheTurnBefore = before != RenderedPrompt.Nobody && added == FirstAdded(End);
                headerStart = added >= 0 && !endsTheTurnBefore ? added : End;
                roleStart = roleEnd = Math.Min(End, headerStart + 1);
            }
            else if (!Tokens[roleStart].IsMark)
            {
                // Inserted spaces between the special token and the name have no bytes.
                int mark = roleStart - 1;
                while (mark >= Start && Tokens[mark].Start == Tokens[mark].End)
                    mark--;
                headerStart = mark >= Start && Tokens[mark].IsMark ? mark : roleStart;
            }
            // If a token has both the end of the header and the first content, the header's end is not a unit of its own.
            bool isCut = End < Tokens.Length && Tokens[End].Kind == PromptTokenKind.Mixed;
            Fill(headerStart, roleStart, LabelOf(next, HeaderStart));
            Fill(roleStart, roleEnd, LabelOf(next, Role));
            if (!isCut && headerStart < End)
                Fill(roleEnd, End, LabelOf(next, HeaderEnd));
            LabelTurnEnd(before, headerStart);
        }

        /// <summary>
        /// Labels the end of a turn: the first added token after it, with the white space next to it. Returns the index of the token after that, or Start if
        /// there is no such end.
        /// </summary>
        public int LabelTurnEnd(int turn, int limit)
        {
            int added = FirstAdded(limit);
            bool isCut = Start > 0 && Tokens[Start - 1].Kind == PromptTokenKind.Mixed;
            if (turn == RenderedPrompt.Nobody || added < 0 || isCut)
                return Start;
            for (int i = Start; i < added; i++)
            {
                if (!IsWhiteSpace(i))
                    return Start;
            }
            int end = added + 1;
            while (end < limit && !Tokens[end].IsMark && IsWhiteSpace(end))
                end++;
            Fill(Start, end, LabelOf(turn, TurnEnd));
            return end;
        }

        /// <summary>
        /// The tokens that name the turn's role: those that the template copied from the conversation, or else a special token that contains the name
        /// (<c>&lt;|assistant|&gt;</c>), or else the name after a special token. Names can differ: <c>model</c> for assistant, <c>user</c> for system.
        /// </summary>
        private (int Start, int End) FindRole(int turn)
        {
            int end = End;
            while (end > Start && !NamesRole(end - 1, turn))
                end--;
            int start = end;
            while (start > Start && NamesRole(start - 1, turn))
                start--;
            if (start < end)
                return (start, end);
            string role = Conversation.Messages[turn].Role;
            string[] names = role switch { "assistant" => ["assistant", "model"], "system" => ["system", "user"], _ => [role] };
            for (int i = End - 1; i >= Start; i--)
            {
                string text = Text(i, i + 1);
                if (Tokens[i].IsMark && names.Any(n => text.Contains(n, StringComparison.OrdinalIgnoreCase)))
                    return (i, i + 1);
                if (!Tokens[i].IsMark)
                    continue;
                for (int stop = i + 2; stop <= Math.Min(End, i + 5); stop++)
                {
                    if (names.Contains(Text(i + 1, stop)))
                        return (i + 1, stop);
                }
            }
            return (Start, Start);
        }

        private bool NamesRole(int token, int turn)
        {
            for (int b = Tokens[token].Start; b < Tokens[token].End; b++)
            {
                if (Prompt.RoleOf[b] == turn)
                    return true;
            }
            return false;
        }

        private int FirstAdded(int limit)
        {
            for (int i = Start; i < limit; i++)
            {
                if (Tokens[i].IsMark)
                    return i;
            }
            return -1;
        }

        private int LastAdded(int limit)
        {
            for (int i = limit - 1; i >= Start; i--)
            {
                if (Tokens[i].IsMark)
                    return i;
            }
            return -1;
        }

        private bool IsWhiteSpace(int token) => string.IsNullOrWhiteSpace(Text(token, token + 1));

        private string Text(int start, int end) => Encoding.UTF8.GetString(Prompt.Bytes, Tokens[start].Start, Tokens[end - 1].End - Tokens[start].Start);

        private void Fill(int start, int end, ushort label)
        {
            for (int i = start; i < end; i++)
                Units[i] = label;
        }
    }
}
